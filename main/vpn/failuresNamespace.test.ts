/** The cases of the table in docs/vpn.md that need a network namespace of their own, and so root. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

import { binariesHere } from "../xray/mesh.fixture.ts";
import { readFailureTable } from "./failures.fixture.ts";
import type { Report } from "./failuresNamespace.fixture.ts";

const isPossible = process.platform === "linux" && process.geteuid!() === 0 && binariesHere() !== undefined;
const REPORTER = fileURLToPath(new URL("failuresNamespace.fixture.ts", import.meta.url));

test.skipIf(!isPossible)(
  "a firewall that drops an exit's packets, and no network at all, end as the table says",
  async () => {
    const child = spawn("unshare", ["-n", process.execPath, REPORTER], { stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(child, "exit");
    const { failures, outageMs, afterwards } = JSON.parse(
      Buffer.concat(await child.stdout.toArray()).toString(),
    ) as Report;
    expect(await ended).toEqual([0, null]);
    const table = readFailureTable();
    for (const [name, { status, code }] of Object.entries(failures)) {
      const row = table.get(name)!;
      expect({ name, state: status.state, cause: status.cause }).toEqual({ name, state: row.state, cause: row.cause });
      expect(row.codes).toContain(status.fault!.code);
      if (code !== null) expect(row.codes).toContain(code);
    }
    expect(Object.keys(failures).length).toBe(3);
    expect(outageMs).toBeLessThan(15_000);
    const well = { state: "connected", city: "fra", leftovers: [] };
    expect(afterwards).toEqual([well, well]);
  },
);
