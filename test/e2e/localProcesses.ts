/** The processes of a practice network, as they note themselves down: for stopping one in its tracks, and letting it go on. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { Playground } from "../../main/app/cli.fixture.ts";

export interface LocalProcess {
  /** Of the city's place in the list, `msk`. */
  readonly code: string;
  readonly pid: number;
}

interface City {
  readonly code: string;
  readonly node: string;
  readonly nodePort: number | null;
}

/** Nodes, and the engines of exits and relays. */
export function processesOfLocal({ data }: Playground): {
  readonly nodes: readonly LocalProcess[];
  readonly engines: readonly LocalProcess[];
} {
  const folder = join(data, "local");
  const run = readdirSync(folder).find((name) => name.startsWith("run-"))!;
  const [, record = ""] = readFileSync(join(folder, "local.json"), "utf8").split("\n");
  const { cities } = JSON.parse(record) as { readonly cities: readonly City[] };
  return {
    nodes: cities
      .filter(({ nodePort }) => nodePort !== null)
      .map(({ code, node }) => ({ code, pid: pidIn(folder, run, `node-${node}.json`) })),
    engines: cities.map(({ code, node }) => ({
      code,
      pid: pidIn(folder, "cities", node, "exit", "mesh", "engine", "engine.json"),
    })),
  };
}

/** Of the person's own tunnel. */
export const engineOfTunnel = ({ data }: Playground): number => pidIn(data, "tunnel", "engine.json");

function pidIn(...path: readonly string[]): number {
  return (JSON.parse(readFileSync(join(...path), "utf8")) as { readonly pid: number }).pid;
}
