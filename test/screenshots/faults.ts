/** What an eye would find wrong with a page's layout, found without one. */
import type { Page } from "playwright-core";

/** Texts that are cut off without saying so, and parts that reach out of the window. In a browser: it knows no types of ours. */
const FIND = `(() => {
  const found = [];
  const name = (element) => {
    const { tagName, className } = element;
    const classes = typeof className === "string" ? className.trim().replace(/\\s+/g, ".") : "";
    const text = (element.textContent ?? "").trim().replace(/\\s+/g, " ").slice(0, 60);
    return tagName.toLowerCase() + (classes === "" ? "" : "." + classes) + " «" + text + "»";
  };
  const scrolls = (element) => {
    for (let at = element; at !== null && at !== document.body; at = at.parentElement) {
      const { overflowX } = getComputedStyle(at);
      if (overflowX === "auto" || overflowX === "scroll") return true;
    }
    return false;
  };
  const { clientWidth } = document.documentElement;
  if (document.documentElement.scrollWidth > clientWidth + 1) found.push("the page is wider than its window");
  for (const element of document.body.querySelectorAll("*")) {
    if (element.closest("svg, canvas, .maplibregl-map, .aside, .skip, option, [aria-hidden=true], .u-over") !== null) continue;
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    if (style.visibility === "hidden" || box.width < 2 || box.height < 2) continue;
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== "");
    if (!hasText) continue;
    const isClipped = style.overflowX === "hidden" || style.overflowX === "clip";
    if (isClipped && style.textOverflow !== "ellipsis" && element.scrollWidth > element.clientWidth + 1) {
      found.push("cut off: " + name(element));
    } else if (!isClipped && style.display !== "inline" && element.scrollWidth > element.clientWidth + 1 && !scrolls(element)) {
      found.push("wider than its place: " + name(element));
    } else if ((box.right > clientWidth + 1 || box.left < -1) && !scrolls(element)) {
      found.push("out of the window: " + name(element));
    }
  }
  return found;
})()`;

export const findFaults = (page: Page): Promise<readonly string[]> => page.evaluate(FIND);
