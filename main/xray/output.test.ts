import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { EngineLog, LineSplitter, OutputReader } from "./output.ts";

describe("a stream cut into lines", () => {
  test("gives the same lines wherever its chunks end", () => {
    const anyText = fc.array(fc.constantFrom("a", "é", "ж", "😀", "\n", "\r\n", " "), { maxLength: 60 });
    fc.assert(
      fc.property(anyText, fc.array(fc.nat(80)), (parts, cuts) => {
        const bytes = Buffer.from(parts.join(""));
        const lines: string[] = [];
        const splitter = new LineSplitter((line) => lines.push(line));
        const ends = [...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
        ends.forEach((end, i) => splitter.push(bytes.subarray(i === 0 ? 0 : ends[i - 1], end)));
        splitter.end();
        expect(lines).toEqual(
          parts
            .join("")
            .split("\n")
            .map((line) => line.replace(/\r$/, ""))
            .filter((line) => line !== ""),
        );
      }),
    );
  });

  test("keeps the beginning of a line without an end, and no more", () => {
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => lines.push(line));
    for (let i = 0; i < 100; i++) splitter.push(Buffer.alloc(1_000, "x"));
    splitter.push(Buffer.from("\nnext\n"));
    expect(lines.map((line) => line.length)).toEqual([8_192, 4]);
  });
});

test("the log keeps the last five hundred lines and knows what came since a moment", () => {
  const log = new EngineLog();
  for (let i = 0; i < 1_234; i++) log.push(String(i));
  const position = log.position();
  log.push("a");
  log.push("b");
  expect(log.since(position)).toEqual(["a", "b"]);
  expect(log.recent()).toHaveLength(500);
  expect(log.recent().at(-1)).toBe("b");
  for (let i = 0; i < 2_000; i++) log.push("c");
  expect(log.since(position).length).toBeLessThan(1_000);
});

describe("an engine's line", () => {
  const at = "2026/03/27 12:00:00.000001";

  test("that tells of a failure names the way out that its connection took", () => {
    const reader = new OutputReader();
    expect(reader.read(`${at} [Info] [7] app/dispatcher: taking detour [exit-fra] for [tcp:<host>:443]`).event).toEqual(
      {
        kind: "opened",
        outbound: "exit-fra",
      },
    );
    reader.read(`${at} [Info] [8] app/dispatcher: taking detour [exit-fin] for [tcp:<host>:443]`);
    const failed = (id: number, cause: string): string =>
      `${at} [Info] [${id}] app/proxyman/outbound: app/proxyman/outbound: failed to process outbound traffic > common/retry: [${cause}]`;
    expect(reader.read(failed(1, "EOF")).isKept).toBe(true);
    expect(reader.read(failed(7, "dial tcp <ip>:443: connect: connection refused")).event).toEqual({
      kind: "failure",
      code: "exit-refused",
      outbound: "exit-fra",
    });
    expect(reader.read(failed(8, "EOF")).event).toEqual({ kind: "failure", code: "exit-closed", outbound: "exit-fin" });
    expect(reader.read(failed(9, "EOF")).event).toEqual({ kind: "failure", code: "exit-closed" });
  });

  test("that tells of start and interface is an event", () => {
    const reader = new OutputReader();
    expect(reader.read(`${at} [Warning] core: Xray 26.3.27 started`).event).toEqual({ kind: "started" });
    expect(reader.read(`${at} [Info] proxy/tun: montana0 up`).event).toEqual({
      kind: "interface-up",
      name: "montana0",
    });
    expect(reader.read(`${at} [Info] [1] proxy/vless/outbound: XTLS rejected UDP/443 traffic`).event).toBeUndefined();
  });

  test("that names what somebody visits is not kept", () => {
    const reader = new OutputReader();
    for (const line of [
      "[Info] [1] proxy/http: request to Method [CONNECT] Host [shop.example:443] with URL [//shop.example:443]",
      "[Info] [1] app/dispatcher: sniffed domain: shop.example",
      "[Info] [1] app/dispatcher: taking detour [exit-fra] for [tcp:shop.example:443]",
      "[Info] app/dns: DOH//1.1.1.1 querying: shop.example.",
      "[Info] app/dns: DOH//1.1.1.1 got answer: shop.example. TypeA -> [192.0.2.1], rtt: 20ms",
      "[Error] app/dns: failed to handle DOH response for shop.example. > EOF",
      "[Warning] [1] proxy/http: failed to read response from shop.example > EOF",
      "[Info] [1] proxy/socks: TCP Connect request to tcp:shop.example:443",
      "[Info] [1] app/proxyman/inbound: connection ends > proxy/http: shop.example",
    ]) {
      expect(reader.read(`${at} ${line}`), line).toMatchObject({ isKept: false });
    }
    expect(reader.read("Failed to start: main: failed to create server > permission denied").isKept).toBe(true);
    expect(reader.read(`${at} [Info] [1] transport/internet/tcp: dialing TCP to tcp:<host>:443`).isKept).toBe(true);
  });
});
