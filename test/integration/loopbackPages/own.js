/** The page of the test: of the real one it has the session. Served under the policy of the real one. */
import { openSession } from "./session-00000000.js";
const over = [];
const { url, fetch } = await openSession(({ code }) => over.push(code));
const streams = [];
window.own = {
  over,
  ask: async (name) => (await fetch(url + "/" + name)).status,
  follow: async () => {
    const stop = new AbortController();
    streams.push(stop);
    const { body, status } = await fetch(url + "/events?input=" + encodeURIComponent("{}"), { signal: stop.signal });
    const reader = body.getReader();
    await reader.read();
    stop.ended = (async () => {
      while (!(await reader.read()).done);
    })().then(
      () => "ended",
      () => "broken",
    );
    return status;
  },
  ended: () => Promise.all(streams.map(({ ended }) => ended)),
  unfollow: () => streams.splice(0).forEach((stop) => stop.abort()),
};

/** What somebody would try who could put something into the page. Gives what worked. */
window.inject = async (elsewhere) => {
  const worked = [];
  window.note = (way) => worked.push(way);
  const inline = document.createElement("script");
  inline.textContent = "note('inline')";
  document.body.append(inline);
  document.body.insertAdjacentHTML("beforeend", `<img src="absent.png" onerror="note('handler')">`);
  await new Promise((resolve) => {
    const foreign = Object.assign(document.createElement("script"), { src: `${elsewhere}/foreign.js` });
    foreign.addEventListener("load", () => resolve(worked.push("foreign script")));
    foreign.addEventListener("error", resolve);
    document.body.append(foreign);
  });
  try {
    await fetch(elsewhere);
    worked.push("told elsewhere");
  } catch {
    // Connections lead home alone.
  }
  // Not before something was waited for: whoever drives the browser may do it.
  try {
    worked.push(new Function("return 'eval'")());
  } catch {
    // The policy allows none.
  }
  return worked;
};
