/** Networks of as many nodes as a bench asks for, in folders of their own, and the processes that benches start. */
import { fork, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { encodeBase64 } from "../../main/cities/base64.ts";
import { PEERS_FILE_MAX } from "../../main/cities/limits.ts";
import { encodeMyVpn } from "../../main/cities/myVpn.ts";
import { buildShareLink } from "../../main/cities/shareLink.ts";
import { readSettings, type Settings } from "../../main/mesh/aggregator/settings.ts";

export const MEBI = 1_048_576;
export const NOW = 1_778_414_400;

export const labelOf = (i: number): string => `node-${i}`;
export const codeOf = (i: number): string =>
  [676, 26, 1].map((unit) => String.fromCharCode(97 + (Math.floor(i / unit) % 26))).join("");

export const linkOf = (i: number): string =>
  buildShareLink({
    ...{ uuid: "7414dedf-365d-41d3-ac10-29a65ea43844", host: `198.51.${100 + (i >> 8)}.${i & 255}`, port: 443 },
    ...{ sni: "www.decoy.example", sid: "ab", flow: "xtls-rprx-vision", label: `Montana ${codeOf(i).toUpperCase()}` },
    pbk: encodeBase64(new Uint8Array(32).fill(i & 255))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replace("=", ""),
  });

export const myVpnOf = (i: number): string =>
  encodeMyVpn({ node: labelOf(i), primary: i % 100 === 0, vless: linkOf(i) });

const PEERS = 20;

export const peersOf = (i: number): string =>
  peersFile(i, PEERS, (k) => `${"123456789A"[k % 10]!}${"123456789A"[i % 10]!}`);

/** As large as a node may send it, and no peer of it is another node's. */
export function largestPeersOf(i: number): string {
  const ownId = (k: number): string => `${k}y${i}`.replaceAll("0", "z");
  const each = peersFile(i, 1, ownId).length - peersFile(i, 0, ownId).length + 8;
  return peersFile(i, Math.floor((PEERS_FILE_MAX - 1000) / each), ownId);
}

const peersFile = (i: number, count: number, idOf: (k: number) => string): string =>
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
    peers: Array.from({ length: count }, (_, k) => ({
      ...{ peer_id: `Qm${idOf(k).padStart(44, "x")}`, label: "unknown" },
      ...{ connected: true, last_heartbeat_seconds_ago: k % 600 },
    })),
  });

/** Settings and cities of `count` nodes in `directory`. */
export function writeMesh(directory: string, count: number, peers: readonly object[]): Settings {
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

export async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "montana-bench-mesh-"));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export interface Started<T> {
  readonly child: ChildProcess;
  /** The first thing that it said. */
  readonly said: T;
}

/** A process of its own, once it has said something. */
export function startProcess<T>(file: URL, words: readonly string[]): Promise<Started<T>> {
  const child = fork(fileURLToPath(file), words);
  return new Promise((resolve, reject) => {
    child.once("message", (said) => resolve({ child, said: said as T }));
    child.once("exit", (code) => reject(new Error(`${file.pathname} ended with ${String(code)} and said nothing`)));
  });
}

/** What a process says before it ends by itself. */
export async function runProcess<T>(file: URL, words: readonly string[]): Promise<T> {
  return (await startProcess<T>(file, words)).said;
}

export function hold(name: string, isHeld: boolean): void {
  if (isHeld) return;
  console.error(`${name}: the line of the issue is not held on this machine now`);
  process.exitCode = 1;
}
