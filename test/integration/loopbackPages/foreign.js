/** What a page of another origin tries. */

/** Never longer, for what waits for something that does not come. */
const PATIENCE_MS = 3000;

const within = (work) => Promise.race([work, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);

/** Gives what it got: names, none where all failed. `code` is more than such a page knows. */
async function attack({ target, code }) {
  const got = [];
  await fetchAll(target, code, got);
  const heard = (source, good, name) =>
    within(
      new Promise((resolve) => {
        source.addEventListener(good, () => resolve(got.push(name)));
        source.addEventListener("error", resolve);
      }),
    );
  await heard(new EventSource(`${target}/api/events`), "open", "stream");
  await heard(new WebSocket(`${target.replace("http", "ws")}/api/events`), "open", "socket");
  for (const path of ["/session", "/assets/app-00000000.js"]) {
    const script = Object.assign(document.createElement("script"), { src: target + path });
    document.body.append(script);
    await heard(script, "load", `script ${path}`);
  }
  await heard(Object.assign(new Image(), { src: `${target}/` }), "load", "image");

  const frame = Object.assign(document.createElement("iframe"), { name: "frame", src: `${target}/` });
  const loaded = () => within(new Promise((resolve) => frame.addEventListener("load", resolve, { once: true })));
  const framed = loaded();
  document.body.append(frame);
  await framed;
  const form = document.createElement("form");
  Object.assign(form, { action: `${target}/session`, method: "post", enctype: "text/plain", target: "frame" });
  // As near to JSON as a form gets.
  form.append(Object.assign(document.createElement("input"), { name: `{"code":"${code}","x":"`, value: '"}' }));
  document.body.append(form);
  const posted = loaded();
  form.submit();
  await posted;
  return got;
}

async function fetchAll(target, code, got) {
  const body = JSON.stringify({ code });
  const headers = { "content-type": "application/json", authorization: `Bearer ${"0".repeat(64)}` };
  const ways = [
    ["/session", {}],
    ["/", {}],
    ["/session", { credentials: "include" }],
    ["/session", { mode: "no-cors" }],
    ["/session", { mode: "no-cors", method: "POST", body }],
    ["/session", { method: "POST", headers, body }],
    ["/api/status", { headers }],
    ["/api/stop", { method: "POST", headers, body: "{}" }],
    ["/api/stop", { mode: "no-cors", method: "POST", body: "{}" }],
  ];
  for (const [path, init] of ways) {
    try {
      const { type, status } = await fetch(target + path, init);
      got.push(`${path} ${JSON.stringify(init)}: ${type} ${status}`);
    } catch {
      // Nothing came.
    }
  }
  navigator.sendBeacon(`${target}/api/stop`, "{}");
  navigator.sendBeacon(`${target}/session`, body);
}

/** Opens a window, which then is not in its reach. */
function openWindow(url) {
  globalThis.opened = window.open(url);
}

Object.assign(globalThis, { attack, openWindow });
