/**
 * The explorer's page: four documents of the public directory, drawn. It asks nobody else, and keeps nothing.
 */
const REFRESH_MS = 60_000;
const STALE_SECONDS = 900;
const NJ_PER_COIN = 1_000_000_000n;
const SVG = "http://www.w3.org/2000/svg";

const texts = {
  en: {
    title: "Montana",
    practice: "practice network",
    other: "Русский",
    figures: "The network in figures",
    window: "Window",
    supply: "Supply",
    nodes: "Nodes heard",
    exits: "Cities with VPN",
    outside: "External nodes",
    map: "Cities",
    snapshot: "Nodes",
    city: "City",
    phase: "Phase",
    nodeTable: "NodeTable",
    accountTable: "AccountTable",
    balance: "Balance",
    exit: "VPN",
    updated: (age) => `Updated ${age} ago`,
    outsiders: "External nodes",
    noOutsiders: "None was heard in the last ten minutes.",
    heard: (age, by) => `heard ${age} ago by ${by}`,
    seen: (by) => `seen by ${by}`,
    since: (age) => `known for ${age}`,
    notHeard: "no data",
    relayAlone: "relay, no node known",
    unreachable: "not reachable",
    stale: "The figures are old: nothing new came for a while.",
    failed: "The data cannot be loaded now. The page tries again every minute.",
    privacy: "Cities are shown by their centre; no address is published here.",
    states: {
      up: "up",
      degraded: "unsteady",
      down: "down",
      expired: "silent for a week",
      unknown: "not probed yet",
      "node-only": "node without VPN",
    },
    phases: { Bootstrap: "Bootstrap", CandidateVdf: "Candidate", Registered: "Registered", Active: "Active" },
    units: ["s", "min", "h", "days"],
  },
  ru: {
    title: "Montana",
    practice: "учебная сеть",
    other: "English",
    figures: "Сеть в числах",
    window: "Окно",
    supply: "Эмиссия",
    nodes: "Узлов на связи",
    exits: "Городов с VPN",
    outside: "Внешних узлов",
    map: "Города",
    snapshot: "Узлы",
    city: "Город",
    phase: "Фаза",
    nodeTable: "NodeTable",
    accountTable: "AccountTable",
    balance: "Баланс",
    exit: "VPN",
    updated: (age) => `Обновлено ${age} назад`,
    outsiders: "Внешние узлы",
    noOutsiders: "За последние десять минут никого не слышно.",
    heard: (age, by) => `на связи ${age} назад, свидетели: ${by}`,
    seen: (by) => `свидетели: ${by}`,
    since: (age) => `известен ${age}`,
    notHeard: "нет данных",
    relayAlone: "ретранслятор, узел неизвестен",
    unreachable: "недоступен",
    stale: "Данные устарели: давно не было новых.",
    failed: "Сейчас данные не загружаются. Страница пробует снова каждую минуту.",
    privacy: "Город показан по центру; адреса здесь не публикуются.",
    states: {
      up: "работает",
      degraded: "нестабилен",
      down: "не работает",
      expired: "молчит неделю",
      unknown: "ещё не проверен",
      "node-only": "узел без VPN",
    },
    phases: { Bootstrap: "Запуск", CandidateVdf: "Кандидат", Registered: "Записан", Active: "Активен" },
    units: ["с", "мин", "ч", "дн."],
  },
};

let language = navigator.language.toLowerCase().startsWith("ru") ? "ru" : "en";
/** What was loaded last, and whether the newest attempt failed. */
let loaded;
let hasFailed = false;

const byId = (id) => document.getElementById(id);
const words = () => texts[language];

function element(name, { text, ...attributes } = {}, ...children) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function shape(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Amounts in nɈ pass 2^53: they become strings before anything reads them as numbers. */
const parse = (text) => JSON.parse(text.replace(/("[a-z_]+_nj"\s*:\s*)(\d+)(?=\s*[,}])/g, '$1"$2"'));

async function fetchDocument(path, isNeeded) {
  try {
    const response = await fetch(path, { cache: "no-cache", credentials: "omit", redirect: "error" });
    if (response.ok) return parse(await response.text());
  } catch {
    // Said below, where it is needed.
  }
  if (isNeeded) throw new Error(path);
  return undefined;
}

async function load() {
  try {
    const [data, cities, health] = await Promise.all([
      fetchDocument("data.json", true),
      fetchDocument("cities.json", true),
      fetchDocument("../vpn/health.json", false),
    ]);
    loaded = { data, cities, health };
    hasFailed = false;
  } catch {
    hasFailed = true;
  }
  draw();
}

function formatCount(value) {
  return value === null || value === undefined ? "–" : BigInt(value).toLocaleString(language);
}

function formatCoins(nj) {
  if (nj === null || nj === undefined) return "–";
  const rounded = (BigInt(nj) + NJ_PER_COIN / 2n) / NJ_PER_COIN;
  return `${rounded.toLocaleString(language)}\u00a0Ɉ`;
}

function formatAge(seconds) {
  const [second, minute, hour, day] = words().units;
  if (seconds < 120) return `${seconds}\u00a0${second}`;
  if (seconds < 7200) return `${Math.round(seconds / 60)}\u00a0${minute}`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)}\u00a0${hour}`;
  return `${Math.round(seconds / 86_400)}\u00a0${day}`;
}

function draw() {
  document.documentElement.lang = language;
  for (const place of document.querySelectorAll("[data-text]")) place.textContent = words()[place.dataset.text];
  byId("language").textContent = words().other;
  const notice = byId("notice");
  if (loaded === undefined) {
    notice.hidden = !hasFailed;
    notice.textContent = words().failed;
    return;
  }
  const ageSeconds = Math.max(0, Math.round(Date.now() / 1000) - loaded.data.updated_unix);
  byId("age").textContent = words().updated(formatAge(ageSeconds));
  notice.hidden = !hasFailed && ageSeconds <= STALE_SECONDS;
  notice.textContent = hasFailed ? words().failed : words().stale;
  const { network } = loaded.cities;
  byId("network").textContent = network === "local" ? words().practice : network;

  const cities = joinCities(loaded);
  drawFigures(loaded.data.network_summary, cities);
  drawMap(cities);
  drawTable(cities);
  drawOutsiders(loaded.data.discovered_peers);
}

/** Every city with its node's row and its exit's state. */
function joinCities({ data, cities, health }) {
  const rows = new Map(data.nodes.map((row) => [row.host, row]));
  const states = new Map((health?.nodes ?? []).map(({ node, state }) => [node, state]));
  return cities.cities.map((city) => ({
    ...city,
    row: rows.get(city.node),
    label: city.name[language],
    state: city.vpn.enabled ? (states.get(city.node) ?? "unknown") : "node-only",
  }));
}

function drawFigures(summary, cities) {
  const figures = [
    [words().window, formatCount(summary.max_window)],
    [words().supply, formatCoins(summary.total_supply_nj)],
    [words().nodes, `${summary.active_nodes} / ${summary.total_nodes}`],
    [words().exits, String(cities.filter(({ state }) => state !== "node-only").length)],
    [words().outside, formatCount(summary.discovered_peer_count)],
  ];
  byId("figures").replaceChildren(
    ...figures.map(([name, value]) =>
      element("div", {}, element("dt", { text: name }), element("dd", { text: value })),
    ),
  );
}

const mercator = (lat) => (-180 / Math.PI) * Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360));
const SPAN_MIN = 34;
const LABEL_PX = 13;

/** Shows all cities with some room around them, and never less than half a continent. */
function drawMap(cities) {
  const map = byId("map");
  const points = cities.map((city) => ({ city, x: city.lon, y: mercator(city.lat) }));
  const { width, height } = map.getBoundingClientRect();
  const box = boxAround(points, width / height);
  map.setAttribute("viewBox", [box.x, box.y, box.width, box.height].map((value) => value.toFixed(2)).join(" "));
  const unit = box.width / width;
  const places = new Map(points.map((point) => [point.city.code, point]));
  byId("fronts").replaceChildren(
    ...points.flatMap((from) =>
      from.city.vpn.fronts.map((code) => {
        const to = places.get(code);
        return shape("line", { x1: from.x, y1: from.y, x2: to.x, y2: to.y });
      }),
    ),
  );
  const taken = points.map(({ x, y }) => around(x, y, 9 * unit, 9 * unit));
  byId("cities").replaceChildren(
    ...points.map((point) => drawCity(point, unit, taken, width < 560 && cities.length > 4, box)),
  );
  const shown = [...new Set(cities.map(({ state }) => state))];
  byId("legend").replaceChildren(
    ...Object.keys(words().states)
      .filter((state) => shown.includes(state))
      .map((state) => element("li", { class: state, text: words().states[state] })),
  );
}

function boxAround(points, aspect) {
  const [left, right] = [Math.min(...points.map(({ x }) => x)), Math.max(...points.map(({ x }) => x))];
  const [top, bottom] = [Math.min(...points.map(({ y }) => y)), Math.max(...points.map(({ y }) => y))];
  const wanted = Math.max(SPAN_MIN, (right - left) * 1.35, (bottom - top) * 1.5 * aspect);
  const width = Math.min(wanted, 400);
  const height = width / aspect;
  return { x: (left + right - width) / 2, y: (top + bottom - height) / 2, width, height };
}

const around = (x, y, width, height) => ({ x: x - width / 2, y: y - height / 2, width, height });
const meets = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
const isInside = (a, b) =>
  a.x >= b.x && a.y >= b.y && a.x + a.width <= b.x + b.width && a.y + a.height <= b.y + b.height;

/** The name stands on the first side where nothing else is; where there is none, its dot and the table tell it. */
function drawCity({ city, x, y }, unit, taken, isShort, box) {
  const group = shape("g", { class: city.state });
  group.append(
    shape("title", {}, `${city.label}: ${words().states[city.state]}`),
    shape("circle", { class: "dot", cx: x, cy: y, r: 6 * unit }),
  );
  const text = isShort ? city.code.toUpperCase() : city.label;
  const [width, height] = [text.length * LABEL_PX * 0.68 * unit, LABEL_PX * 1.25 * unit];
  const gap = 10 * unit;
  const sides = [
    { x: x + gap, y: y - height / 2, anchor: "start", textX: x + gap },
    { x: x - gap - width, y: y - height / 2, anchor: "end", textX: x - gap },
    { x: x - width / 2, y: y - gap - height, anchor: "middle", textX: x },
    { x: x - width / 2, y: y + gap, anchor: "middle", textX: x },
  ].map((place) => ({ ...place, width, height }));
  const side = sides.find((place) => isInside(place, box) && !taken.some((other) => meets(place, other)));
  if (side === undefined) return group;
  taken.push(side);
  group.append(
    shape(
      "text",
      {
        x: side.textX,
        y: side.y + height * 0.76,
        "text-anchor": side.anchor,
        "font-size": LABEL_PX * unit,
        "stroke-width": 3 * unit,
      },
      text,
    ),
  );
  return group;
}

function drawTable(cities) {
  const columns = [
    [words().city],
    [words().phase],
    [words().window, "number"],
    [words().nodeTable, "number"],
    [words().accountTable, "number"],
    [words().balance, "number"],
    [words().exit],
  ];
  const head = element(
    "tr",
    {},
    ...columns.map(([text, kind = ""]) => element("th", { text, class: kind, scope: "col" })),
  );
  byId("nodes").tHead.replaceChildren(head);
  byId("nodes").tBodies[0].replaceChildren(...cities.map(drawRow));
}

function drawRow({ label, row, state, code, vpn }) {
  const isHeard = row?.status === "active";
  // A relay forwards to another city, and need not have a node.
  const silent = vpn.enabled && vpn.exit !== code ? words().relayAlone : words().notHeard;
  const missing = row?.status === "no_data" ? silent : words().unreachable;
  const cell = (name, text, kind = "") => element("td", { text, class: kind, "data-name": name });
  return element(
    "tr",
    {},
    element("th", { text: label, scope: "row" }),
    cell(words().phase, isHeard ? (words().phases[row.phase] ?? row.phase ?? "–") : missing),
    cell(words().window, formatCount(row?.current_window), "number"),
    cell(words().nodeTable, formatCount(row?.node_table), "number"),
    cell(words().accountTable, formatCount(row?.account_table), "number"),
    cell(words().balance, formatCoins(row?.balance_nj), "number"),
    element(
      "td",
      { "data-name": words().exit },
      element("span", { text: words().states[state], class: `state ${state}` }),
    ),
  );
}

function drawOutsiders(peers) {
  byId("no-outsiders").hidden = peers.length > 0;
  byId("outsiders").replaceChildren(
    ...peers.map((peer) => {
      const by = peer.witnessed_by.join(", ");
      const age = peer.last_heartbeat_seconds_ago;
      const heard = age === null ? words().seen(by) : words().heard(formatAge(age), by);
      const text = `${heard} · ${words().since(formatAge(peer.uptime_seconds))}`;
      return element("li", {}, element("code", { text: peer.peer_id }), element("p", { text, class: "quiet" }));
    }),
  );
}

byId("language").addEventListener("click", () => {
  language = language === "en" ? "ru" : "en";
  draw();
});
addEventListener("resize", draw);
setInterval(load, REFRESH_MS);
await load();
