/** Commands about the host itself. */
import { API_VERSION, type Status } from "../../api/contract.ts";
import { call } from "../../api/client.ts";
import { apiError, explain, noticeOf } from "../../api/errors.ts";
import { setTimeout as wait } from "node:timers/promises";
import { parseMultiaddr } from "../../network/transport/multiaddr.ts";
import { formatAmount } from "../../wallet/amounts.ts";
import { attach, reach, STOP_MS_MAX } from "../attach.ts";
import type { DaemonOptions } from "../daemon.ts";
import { isAlive } from "../published.ts";
import { LOG_LEVELS, type LogLevel } from "../log.ts";
import { VERSION } from "../version.ts";
import { openInBrowser } from "./openCommand.ts";
import { createProgress } from "./progress.ts";
import type { Call, Command } from "./command.ts";

const PORT_MAX = 65_535;

/** `startNode` is what the host runs besides itself. */
export function startCommand(startNode: DaemonOptions["startNode"]): Command {
  return {
    name: "start",
    summary: "run the host until a signal or `montana stop`",
    arguments: [],
    options: {
      profile: {
        type: "string",
        choices: ["spec", "rc1"],
        summary: "the network's profile, where its file leaves it open",
      },
      admission: {
        type: "string",
        choices: ["per-window", "selection"],
        summary: "the admission rule, where the network's file leaves it open",
      },
      listen: {
        type: "string",
        value: "ADDR",
        summary: "multiaddr to listen on, as /ip4/0.0.0.0/tcp/8444; without it the node only dials",
      },
      announce: {
        type: "string",
        value: "ADDR",
        summary: "multiaddr that others reach this node at, where that is another one",
      },
      "asn-map": {
        type: "string",
        value: "FILE",
        summary:
          "which autonomous system an address belongs to: lines of CIDR ASN, to spread the peers over more of them",
      },
      "metrics-port": {
        type: "string",
        value: "N",
        summary: "serve /metrics and /health there on 127.0.0.1 (or MONTANA_METRICS_PORT)",
      },
      "time-share": {
        type: "string",
        value: "N",
        summary: "percent of one core for the TimeChain, 1 to 100 (100); for networks of one computer",
      },
      "without-node": {
        type: "boolean",
        summary: "run the tunnel alone: needs neither an identity nor a network",
      },
      background: { type: "boolean", summary: "end with montana vpn disconnect; for the command that starts it" },
      open: { type: "boolean", summary: "show the page in the browser once the host runs" },
      "log-level": {
        type: "string",
        choices: LOG_LEVELS,
        summary: "info unless given; the log goes to standard error",
      },
    },
    detail:
      "Stays in the foreground and logs JSON lines to standard error. With --json it prints one document when it has " +
      "started. Ends within five seconds of SIGINT, SIGTERM or montana stop; a second Ctrl-C ends it at once.",
    async run(called) {
      const { options, directory, network } = called;
      const isWithoutNode = options.flag("without-node");
      const metricsPort = readPort(options.text("metrics-port") ?? process.env["MONTANA_METRICS_PORT"]);
      const profile = options.text("profile") as "spec" | "rc1" | undefined;
      const admission = options.text("admission") as "per-window" | "selection" | undefined;
      const asnMap = options.text("asn-map");
      const timeCpuShare = readShare(options.text("time-share"));
      const announce = readMultiaddr("announce", options.text("announce"));
      // Only here: the other commands would load it all for nothing, each time.
      const { runDaemon } = await import("../daemon.ts");
      const progress = createProgress(called.isJson);
      await runDaemon({
        directory,
        isWithoutNode,
        isBackground: options.flag("background"),
        isPatient: options.flag("background") || options.flag("open"),
        ...(network === undefined ? {} : { network }),
        local: { ...(profile && { profile }), ...(admission && { admission }) },
        listen: optional(readMultiaddr("listen", options.text("listen"))),
        ...(announce === undefined ? {} : { announce }),
        ...(asnMap === undefined ? {} : { asnMap }),
        ...(timeCpuShare === undefined ? {} : { timeCpuShare }),
        ...(metricsPort === undefined ? {} : { metricsPort }),
        logLevel: (options.text("log-level") as LogLevel | undefined) ?? "info",
        ...(startNode === undefined ? {} : { startNode }),
        onProgress: (opening) => progress.show("open", opening),
        onStarted: (host) => {
          progress.end();
          const name = host.network ?? null;
          const metrics = host.metricsPort === undefined ? {} : { metricsPort: host.metricsPort };
          called.print({
            json: { pid: process.pid, network: name, directory: directory.root, socket: host.socket, ...metrics },
            text: `Host ${process.pid} runs ${name === null ? "without a node" : `on the network ${name}`}. Stop it with Ctrl-C or montana stop.`,
          });
          if (options.flag("open")) void openPage(called);
        },
      });
      return undefined;
    },
  };
}

/** The host runs also where no browser can be had. */
async function openPage({ directory, say }: Call): Promise<void> {
  try {
    await openInBrowser((await attach(directory)).client);
  } catch (error) {
    const { sentence, remedy } = explain(noticeOf(error).notice);
    say(`${sentence} ${remedy}`);
  }
}

function readPort(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= PORT_MAX)) throw apiError("usage", { reason: `${text} is no port`, command: "start" });
  return port;
}

function readShare(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const percent = Number(text);
  if (percent >= 1 && percent <= 100) return percent / 100;
  throw apiError("usage", { reason: `--time-share takes 1 to 100, not ${text}`, command: "start" });
}

function readMultiaddr(option: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    parseMultiaddr(text);
    return text;
  } catch {
    const reason = `--${option} takes /ip4/ADDRESS/tcp/PORT or /ip6/ADDRESS/tcp/PORT, not ${text}`;
    throw apiError("usage", { reason, command: "start" });
  }
}

const optional = <T>(value: T | undefined): readonly T[] => (value === undefined ? [] : [value]);

export const stop: Command = {
  name: "stop",
  summary: "stop the host and wait until it has ended",
  arguments: [],
  options: {},
  async run({ directory }) {
    const host = await reach(directory);
    if (host === undefined) throw apiError("host-not-running", { directory: directory.root });
    const { pid } = host.pong;
    await call(host.client.stop.mutate());
    const end = performance.now() + STOP_MS_MAX + 1000;
    while (isAlive(pid)) {
      if (performance.now() > end) throw apiError("host-not-answering", { pid, directory: directory.root });
      await wait(20);
    }
    return { json: { pid }, text: `Host ${pid} has stopped.` };
  },
};

export const status: Command = {
  name: "status",
  summary: "what the host is doing",
  arguments: [],
  options: {},
  async run({ connect }) {
    const current = await call((await connect()).status.query());
    return { json: current, text: describeStatus(current) };
  },
};

function describeStatus(status: Status): string {
  const { candidate, queue } = status;
  const orUnknown = (value: string | number | null): string => (value === null ? "not known" : String(value));
  const money = (value: string | null): string => (value === null ? "not known" : formatAmount(BigInt(value)));
  const rows: [string, string][] = [
    ["host", `process ${status.pid}, version ${status.version}`],
    ["network", orUnknown(status.network)],
    ["phase", status.phase],
    ["window", orUnknown(status.window)],
    ["state root", orUnknown(status.stateRoot)],
    ["balance", money(status.balance)],
    ["supply", money(status.supply)],
    ["peers", String(status.peers)],
    ["account", status.isAccountUnlocked ? "unlocked" : "locked"],
  ];
  if (status.progress !== null) rows.push(["progress", describeProgress(status.progress)]);
  if (candidate !== null) {
    const percent = ((100 * candidate.done) / Math.max(1, candidate.total)).toFixed(1);
    const waits = candidate.waitsFor === null ? "" : `, waits for ${candidate.waitsFor}`;
    rows.push(["candidate", `${percent} %${candidate.isPaused ? ", paused" : ""}${waits}`]);
    rows.push(["registers in", describeSeconds(candidate.etaSeconds)]);
    rows.push(["may pause for", describeSeconds(candidate.pausableSeconds)]);
  }
  const unverified = status.unverifiedCandidates;
  if (unverified.length > 0) {
    const others = unverified.length > SHOWN_MAX ? ` and ${unverified.length - SHOWN_MAX} more` : "";
    rows.push(["unverified", `candidates ${unverified.slice(0, SHOWN_MAX).join(" ")}${others}`]);
  }
  if (queue !== null) {
    rows.push(["queue", describeQueue(queue)]);
  }
  for (const { code, params } of status.notices) {
    const { sentence, remedy } = explain({ code, params });
    rows.push(["note", `${sentence} ${remedy}`]);
  }
  return table(rows);
}

function describeProgress({ what, done, total, unit }: NonNullable<Status["progress"]>): string {
  const doing = { open: "opening the store", "catch-up": "catching up", snapshot: "taking a snapshot" }[what];
  return `${doing}: ${unit} ${done}${total === null ? "" : ` of ${total}`}`;
}

function describeQueue({ position, length, nextDrawWindow, expectedWindow }: NonNullable<Status["queue"]>): string {
  if (position !== null) return `place ${position} of ${length}, expected in window ${expectedWindow}`;
  return `one of ${length}, by lot; next draw in window ${nextDrawWindow ?? "?"}, expected about window ${expectedWindow}`;
}

/** Of a list in a line. */
const SHOWN_MAX = 4;

function describeSeconds(seconds: number | null): string {
  if (seconds === null) return "not known";
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${(seconds / 3600).toFixed(1)} h`;
  return `${(seconds / 86_400).toFixed(1)} days`;
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n");
}

export const time: Command = {
  name: "time",
  summary: "window, TimeChain value and D",
  arguments: [],
  options: {},
  async run({ connect }) {
    const now = await call((await connect()).time.query());
    const { window, timechainValue, d } = now;
    return { json: now, text: `window ${window}\nT      ${timechainValue}\nD      ${d}` };
  },
};

export const version: Command = {
  name: "version",
  summary: "version of this program",
  arguments: [],
  options: {},
  run: () =>
    Promise.resolve({
      json: { version: VERSION, apiVersion: API_VERSION, node: process.versions.node },
      text: `montana ${VERSION}`,
    }),
};

function readWindow(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) {
    throw apiError("usage", { reason: `--not-before takes a window, not ${text}`, command: "join" });
  }
  return Number(text);
}

/** Those about the own candidate chain. */
export const joining: readonly Command[] = [
  {
    name: "join",
    summary: "become a node: candidate chain, registration, queue",
    arguments: [],
    options: {
      "cpu-share": { type: "string", value: "N", summary: "percent of one core for the candidate chain, 1 to 100" },
      "mains-only": { type: "boolean", summary: "rest while the computer runs on battery" },
      "low-priority": { type: "boolean", summary: "yield to other programs" },
      "keep-awake": { type: "boolean", summary: "keep the computer from sleeping" },
      anyway: { type: "boolean", summary: "start although this computer will probably miss the deadline" },
      "not-before": { type: "string", value: "N", summary: "begin the chain in window W at the earliest" },
    },
    async run({ connect, options }) {
      const share = options.text("cpu-share");
      const percent = share === undefined ? undefined : Number(share);
      if (percent !== undefined && !(percent >= 1 && percent <= 100)) {
        throw apiError("usage", { reason: `--cpu-share takes 1 to 100, not ${share ?? ""}`, command: "join" });
      }
      const notBefore = readWindow(options.text("not-before"));
      const settings = {
        ...(percent === undefined ? {} : { cpuShare: percent / 100 }),
        ...(options.flag("mains-only") ? { onMainsOnly: true } : {}),
        ...(options.flag("low-priority") ? { isLowPriority: true } : {}),
        ...(options.flag("keep-awake") ? { keepsAwake: true } : {}),
        ...(options.flag("anyway") ? { startsAnyway: true } : {}),
        ...(notBefore === undefined ? {} : { notBefore }),
      };
      const client = await connect();
      await call(client.join.mutate(settings));
      return { json: {}, text: "Joining. See how it goes on with montana status." };
    },
  },
  simple("leave", "give the candidate chain up", async ({ connect }) => call((await connect()).leave.mutate())),
  simple("pause", "stop the candidate chain for a while", async ({ connect }) =>
    call((await connect()).pause.mutate()),
  ),
  simple("resume", "let the candidate chain go on", async ({ connect }) => call((await connect()).resume.mutate())),
];

function simple(name: string, summary: string, act: (called: Call) => Promise<unknown>): Command {
  return {
    name,
    summary,
    arguments: [],
    options: {},
    async run(called) {
      await act(called);
      return { json: {}, text: "Done." };
    },
  };
}
