import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

import { redactLine } from "../cities/redaction.ts";
import { diagnoseRunning, diagnoseStart, type ProbeResult } from "./failures.ts";

interface Case {
  readonly name: string;
  readonly input: {
    readonly phase: string;
    readonly exit_code: number | null;
    readonly lines: readonly string[];
    readonly probe: { readonly result: ProbeResult; readonly ms: number } | null;
  };
  readonly expect: object;
}

const vectors = new URL("../../test/conformance/vectors/08-mesh-vpn/xray-errors.json", import.meta.url);
const { cases } = JSON.parse(readFileSync(vectors, "utf8")) as { readonly cases: readonly Case[] };

test("redacted lines tell the same failure", () => {
  for (const { name, input, expect: expected } of cases) {
    const lines = input.lines.map(redactLine);
    const found =
      input.phase === "start" ? diagnoseStart(input.exit_code, lines) : { code: diagnoseRunning(lines, input.probe) };
    expect(found, name).toEqual(expected);
  }
});
