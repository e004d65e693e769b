/** An aggregator with a thousand nodes, fifty nodes behind a real sshd, and its public server beside a bare one. */
import { fork, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import autocannon from "autocannon";

import { encodeBase64 } from "../../main/cities/base64.ts";
import { encodeMyVpn } from "../../main/cities/myVpn.ts";
import { buildShareLink } from "../../main/cities/shareLink.ts";
import { decodeSubscription } from "../../main/cities/subscription.ts";
import { runAggregator } from "../../main/mesh/aggregator/aggregator.ts";
import type { Answer, Fetcher } from "../../main/mesh/aggregator/fetcher.ts";
import { FETCH_TIMEOUT_MS } from "../../main/mesh/aggregator/limits.ts";
import { readSettings, type Settings } from "../../main/mesh/aggregator/settings.ts";
import { createSshFetcher } from "../../main/mesh/aggregator/sshFetcher.ts";
import { HAS_SSHD, startSshd } from "../../main/mesh/aggregator/sshd.fixture.ts";
import type { Measurement, Result } from "./harness.ts";

const NODES = 1000;
const SSH_NODES = 50;
const MEBI = 1_048_576;
const NOW = 1_778_414_400;
const PASS_MAX_MS = 15_000 + FETCH_TIMEOUT_MS;
const MEMORY_MAX = 200 * MEBI;
const SERVE_SECONDS = 5;
const CONNECTIONS = 20;

const labelOf = (i: number): string => `node-${i}`;
const codeOf = (i: number): string =>
  [676, 26, 1].map((unit) => String.fromCharCode(97 + (Math.floor(i / unit) % 26))).join("");

const linkOf = (i: number): string =>
  buildShareLink({
    ...{ uuid: "7414dedf-365d-41d3-ac10-29a65ea43844", host: `198.51.${100 + (i >> 8)}.${i & 255}`, port: 443 },
    ...{ sni: "www.decoy.example", sid: "ab", flow: "xtls-rprx-vision", label: `Montana ${codeOf(i).toUpperCase()}` },
    pbk: encodeBase64(new Uint8Array(32).fill(i & 255))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replace("=", ""),
  });

const myVpnOf = (i: number): string => encodeMyVpn({ node: labelOf(i), primary: i % 100 === 0, vless: linkOf(i) });

const peersOf = (i: number): string =>
  JSON.stringify({
    ...{
      node: labelOf(i),
      updated: "",
      updated_unix: NOW,
      local_peer_id: `Qm${"a".repeat(40)}${"bcdefghijk"[i % 10]!}`,
    },
    status: {
      ...{ phase: "Active", current_window: 1000 + i, d: 325_000_000, account_table: 9, node_table: 9 },
      ...{ candidate_pool: 0, balance_nj: "13", supply_nj: "26" },
    },
    peers: Array.from({ length: 20 }, (_, k) => ({
      ...{ peer_id: `Qm${"x".repeat(40)}${"123456789A"[k % 10]!}${"123456789A"[i % 10]!}`, label: "unknown" },
      ...{ connected: true, last_heartbeat_seconds_ago: k },
    })),
  });

/** Settings and cities of `count` nodes in `directory`. */
function writeMesh(directory: string, count: number, peers: readonly object[]): Settings {
  const cities = Array.from({ length: count }, (_, i) => ({
    ...{ code: codeOf(i), node: labelOf(i), name: { en: `City ${i}`, ru: `Город ${i}` }, country: "DE", region: "eu" },
    ...{ lat: (i % 160) - 80, lon: (i % 340) - 170, timechain: { phase: "Active", emits: true } },
    vpn: {
      ...{ enabled: true, primary: i % 100 === 0, exit: codeOf(i), fronts: [], fronted_by: [] },
      endpoint: `/vpn/city/${codeOf(i)}`,
    },
  }));
  const document = { version: 1, network: "bench", updated: "", updated_unix: NOW, cities };
  writeFileSync(join(directory, "cities.json"), JSON.stringify(document));
  const settings = { version: 1, state: "state", public: "public", cities: "cities.json", keys: "keys", peers };
  writeFileSync(join(directory, "mesh.json"), JSON.stringify(settings));
  return readSettings(join(directory, "mesh.json"));
}

async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "montana-bench-mesh-"));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Every tenth node is slow for ever, sends too much, or garbage; the others answer at once. */
const troubled: Fetcher = {
  fetch({ node }, file, signal): Promise<Answer> {
    const i = Number(node.slice("node-".length));
    if (i % 10 === 3) {
      if (i % 30 === 3) return new Promise((resolve) => signal.addEventListener("abort", () => resolve(late)));
      if (i % 30 === 13) return Promise.resolve({ kind: "failed", reason: "too-large" });
      return Promise.resolve({ kind: "body", body: "\u0000{".repeat(file === "peers" ? 130_000 : 2000) });
    }
    return Promise.resolve({ kind: "body", body: file === "peers" ? peersOf(i) : myVpnOf(i) });
  },
};
const late: Answer = { kind: "failed", reason: "timeout" };

const thousand: Measurement = {
  name: "mesh/thousand",
  measure: () =>
    inDirectory(async (directory) => {
      const peers = Array.from({ length: NODES }, (_, i) => ({
        ...{ node: labelOf(i), host: `192.0.2.${i % 250}`, host_keys: ["ssh-ed25519 AAAA"] },
      }));
      const settings = writeMesh(directory, NODES, peers);
      const memory = watchMemory();
      const start = performance.now();
      const report = await runAggregator(settings, { fetcher: troubled, nowUnix: () => NOW });
      const milliseconds = performance.now() - start;
      const bytes = memory.most();
      const { servers } = decodeSubscription(readFileSync(join(directory, "public/vpn/sub"), "utf8"));
      const isRight = servers.length === NODES * 0.9 && report.troubles.length === NODES / 10;
      if (!isRight || report.alarms.length > 0) throw new Error("the run published something else than it should");
      console.error(`mesh/thousand: ${Math.round(milliseconds)} ms, ${Math.round(bytes / MEBI)} MiB more at most`);
      hold("mesh/thousand", milliseconds <= PASS_MAX_MS && bytes <= MEMORY_MAX);
      return result("mesh/thousand", NODES / (milliseconds / 1000), "nodes/s", "limit", NODES / (PASS_MAX_MS / 1000));
    }),
};

const overSsh: Measurement = {
  name: "mesh/ssh",
  measure: () =>
    HAS_SSHD
      ? inDirectory(async (directory) => {
          const labels = Array.from({ length: SSH_NODES }, (_, i) => labelOf(i));
          const sshd = await startSshd(join(directory, "sshd"), join(directory, "keys"), labels);
          try {
            for (const [i, { netDirectory }] of sshd.nodes.entries()) {
              writeFileSync(join(netDirectory, "my-vpn.json"), myVpnOf(i));
              writeFileSync(join(netDirectory, "peers.json"), peersOf(i));
            }
            const settings = writeMesh(directory, SSH_NODES, sshd.peers);
            const fetcher = await createSshFetcher(settings);
            const start = performance.now();
            const report = await runAggregator(settings, { fetcher, nowUnix: () => NOW });
            const seconds = (performance.now() - start) / 1000;
            if (report.sources.fresh !== SSH_NODES) throw new Error(`only ${report.sources.fresh} nodes were heard`);
            return result("mesh/ssh", SSH_NODES / seconds, "nodes/s", "period of 300 s", SSH_NODES / 300);
          } finally {
            await sshd.stop();
          }
        })
      : undefined,
};

const REQUESTS_MIN = 5000;
const P99_MAX_MS = 20;

/** One process on one core each: this server, and a bare one that answers the same bytes. */
const serving: Measurement = {
  name: "mesh/serve",
  measure: () =>
    inDirectory(async (directory) => {
      publishSubscription(directory);
      const bare = await startServer("bare", directory);
      const own = await startServer("own", directory);
      try {
        // Alternating, the best of each: what disturbs a slice only ever makes it slower.
        const rounds: [autocannon.Result, autocannon.Result][] = [];
        for (let round = 0; round < 3; round++) rounds.push([await load(bare.port), await load(own.port)]);
        const best = (side: 0 | 1) => rounds.map((pair) => pair[side]).reduce((a, b) => (rate(a) > rate(b) ? a : b));
        const [peer, subject] = [best(0), best(1)];
        const p99 = subject.latency.p99;
        console.error(`mesh/serve: p99 ${p99} ms (bare ${peer.latency.p99} ms), ${subject.non2xx} not 200`);
        hold("mesh/serve", rate(subject) >= REQUESTS_MIN && p99 < P99_MAX_MS && subject.non2xx === 0);
        return result("mesh/serve", rate(subject), "1/s", "bare node:http", rate(peer));
      } finally {
        own.child.kill();
        bare.child.kill();
      }
    }),
};

/** Somebody floods; somebody else asks now and then, with and without the flood. */
const shedding: Measurement = {
  name: "mesh/shed",
  measure: () =>
    inDirectory(async (directory) => {
      publishSubscription(directory);
      const { child, port } = await startServer("limited", directory);
      try {
        const alone = await politeP99(port);
        const flood = load(port, 2 * SERVE_SECONDS);
        const flooded = await politeP99(port);
        const { "4xx": refused, "2xx": answered } = await flood;
        console.error(
          `mesh/shed: flood got ${answered} answers and ${refused} refusals; others waited ${flooded.toFixed(1)} ms at ` +
            `the 99th percentile, ${alone.toFixed(1)} ms without it`,
        );
        hold("mesh/shed", refused > 0 && answered < 200 && flooded < Math.max(P99_MAX_MS, 3 * alone));
        return result("mesh/shed", 1000 / flooded, "1/p99 (1/s)", "without a flood", 1000 / alone);
      } finally {
        child.kill();
      }
    }),
};

const result = (name: string, value: number, unit: string, peer: string, peerValue: number): Result => ({
  ...{ name, value, unit, peer, peerValue, ratio: value / peerValue },
});

const rate = ({ requests }: autocannon.Result): number => requests.average;

function hold(name: string, isHeld: boolean): void {
  if (isHeld) return;
  console.error(`${name}: the line of the issue is not held on this machine now`);
  process.exitCode = 1;
}

function watchMemory(): { most(): number } {
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  let most = before;
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20);
  return {
    most() {
      clearInterval(timer);
      return Math.max(most, process.memoryUsage.rss()) - before;
    },
  };
}

function publishSubscription(directory: string): void {
  mkdirSync(join(directory, "public", "vpn"), { recursive: true });
  const urls = Array.from({ length: 20 }, (_, i) => linkOf(i)).join("\n");
  writeFileSync(join(directory, "public", "vpn", "sub"), encodeBase64(Buffer.from(urls)));
}

interface Started {
  readonly child: ChildProcess;
  readonly port: number;
}

function startServer(kind: "own" | "bare" | "limited", directory: string): Promise<Started> {
  const child = fork(fileURLToPath(new URL("meshServer.ts", import.meta.url)), [kind, join(directory, "public")]);
  return new Promise((resolve, reject) => {
    child.once("message", (port) => resolve({ child, port: Number(port) }));
    child.once("exit", (code) => reject(new Error(`the server ended with ${String(code)}`)));
  });
}

function load(port: number, duration = SERVE_SECONDS): Promise<autocannon.Result> {
  return autocannon({ url: `http://127.0.0.1:${port}/vpn/sub`, connections: CONNECTIONS, duration });
}

const POLITE_REQUESTS = 50;
const POLITE_PAUSE_MS = 60;
/** Another one than the flood's. */
const POLITE_ADDRESS = "127.0.0.3";

/** Milliseconds at the 99th percentile; asks no more often than it may. */
async function politeP99(port: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < POLITE_REQUESTS; i++) {
    const start = performance.now();
    const status = await askPolitely(port);
    if (status !== 200) throw new Error(`a polite request was answered with ${status}`);
    times.push(performance.now() - start);
    await wait(POLITE_PAUSE_MS);
  }
  return times.sort((a, b) => a - b)[Math.ceil(POLITE_REQUESTS * 0.99) - 1]!;
}

function askPolitely(port: number): Promise<number> {
  const options = { host: "127.0.0.1", port, path: "/vpn/sub", localAddress: POLITE_ADDRESS, agent: false as const };
  return new Promise((resolve, reject) => {
    const asked = get(options, (response) => {
      response.resume().on("end", () => resolve(response.statusCode ?? 0));
    });
    asked.on("error", reject);
  });
}

export const benches: readonly Measurement[] = [thousand, overSsh, serving, shedding];
