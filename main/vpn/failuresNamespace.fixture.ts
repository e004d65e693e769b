/** In a network namespace of its own (root): what a firewall that drops packets does, and no network at all. Says it in JSON. */
import { execFileSync } from "node:child_process";

import { findBinaries } from "../xray/binaries.ts";
import { startMesh, type TestMesh } from "../xray/mesh.fixture.ts";
import { codeOf } from "../xray/codeOf.fixture.ts";
import { Stand, WISH } from "./failures.fixture.ts";
import type { TunnelStatus } from "./tunnel.ts";

export interface Report {
  /** By the case of the table. */
  readonly failures: Readonly<Record<string, Failure>>;
  readonly outageMs: number;
  readonly afterwards: readonly Afterwards[];
}

interface Failure {
  readonly status: Pick<TunnelStatus, "state" | "cause" | "fault">;
  /** That the attempt to connect threw. */
  readonly code: unknown;
}

interface Afterwards extends Pick<TunnelStatus, "state" | "city"> {
  readonly leftovers: readonly string[];
}

const nft = (...lines: string[]): Buffer => execFileSync("nft", ["-f", "-"], { input: lines.join("\n") });

async function report(mesh: TestMesh): Promise<Report> {
  const fra = mesh.exits.find(({ code }) => code === "fra")!;
  const stand = new Stand(mesh, findBinaries());
  const { tunnel } = stand;
  const failures: Record<string, Failure> = {};
  const afterwards: Afterwards[] = [];
  const note = (name: string, code: unknown): void => {
    const { state, cause, fault } = tunnel.status;
    failures[name] = { status: { state, cause, fault }, code };
  };
  const comeBack = async (): Promise<void> => {
    const { state, city } = await tunnel.connect(WISH);
    await stand.fetchFrom();
    await tunnel.disconnect();
    afterwards.push({ state, city, leftovers: stand.leftovers() });
  };

  for (const city of ["fin", "fra"]) await tunnel.connect({ ...WISH, city });
  await tunnel.connect({ ...WISH, strict: false });
  await stand.fetchFrom();
  nft(
    "add table inet silence",
    "add chain inet silence in { type filter hook input priority 0; }",
    `add rule inet silence in tcp dport ${fra.link.port} drop`,
    `add rule inet silence in tcp sport ${fra.link.port} drop`,
  );
  const began = performance.now();
  while ((await stand.fetchFrom(1.5).catch(() => fra.leavesFrom)) === fra.leavesFrom);
  const outageMs = performance.now() - began;
  note("The exit in use says nothing any more, and there is another", null);
  await tunnel.disconnect();
  note("The exit says nothing (it hangs, or its packets are dropped)", await codeOf(tunnel.connect(WISH)));
  nft("delete table inet silence");
  await comeBack();

  const undo = stand.alter("fra", (route) => ({ ...route, link: { ...route.link, host: "198.51.100.7" } }));
  note("There is no network", await codeOf(tunnel.connect(WISH)));
  undo();
  await comeBack();
  await stand.close();
  return { failures, outageMs, afterwards };
}

execFileSync("ip", ["link", "set", "lo", "up"]);
const mesh = await startMesh(["fra", "fin"]);
try {
  process.stdout.write(
    JSON.stringify(await report(mesh), (_, value: unknown) => (typeof value === "bigint" ? `${value}` : value)),
  );
} finally {
  await mesh.close();
}
