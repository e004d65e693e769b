/** What a peer serves for a range, as real nodes keep it, and what becomes of every way to spoil it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { Message } from "../../consensus/objects.ts";
import { crypto, Member, Testnet } from "../runtime/testnet.fixture.ts";
import { WindowAssembler } from "./windowAssembler.ts";

const FIRST = 2n;
const LAST = 5n;
const founder = new Member("founder");
const net = new Testnet({ founders: [founder], tau2Windows: 100n, d: 50_000n });
let stream: readonly Message[];

beforeAll(async () => {
  const node = await net.start(founder);
  await node.untilWindow(6);
  const page = await node.node.state.ask("range", { first: FIRST, last: LAST, cursor: 0, bytesMax: 2 ** 20 });
  stream = page.objects;
});
afterAll(() => net.end());

function assemble(objects: readonly Message[], first = FIRST, last = LAST) {
  const assembler = new WindowAssembler(crypto, first, last);
  for (const object of objects) assembler.add(object);
  return assembler.finish();
}

const refused = (code: string) => expect.objectContaining({ code }) as Error;
const at = (type: Message["type"], nth = 0): number =>
  [...stream.entries()].filter(([, message]) => message.type === type)[nth]![0];

test("windows come out as they went in", () => {
  const windows = assemble(stream);
  expect(windows.map(({ header }) => header.windowIndex)).toEqual([2n, 3n, 4n, 5n]);
  for (const { header, body, certificate, bundles, reveals } of windows) {
    expect(body.windowIndex).toBe(header.windowIndex);
    expect([certificate.length, bundles.length, reveals.length]).toEqual([1, 2, body.reveals.length]);
  }
});

test("a window counts as whole when the next one begins", () => {
  const assembler = new WindowAssembler(crypto, FIRST, LAST);
  for (const object of stream.slice(0, at("header", 1))) assembler.add(object);
  expect(assembler.complete).toHaveLength(0);
  assembler.add(stream[at("header", 1)]!);
  expect(assembler.complete).toHaveLength(1);
});

test("a window that is not kept whole any more ends what can be used", () => {
  const headersAndBodies = stream.filter(({ type }) => type === "header" || type === "body");
  expect(assemble(headersAndBodies)).toEqual([]);
  const cut = [...stream.slice(0, at("header", 1)), ...headersAndBodies.slice(2)];
  expect(assemble(cut)).toHaveLength(1);
});

describe("refused is", () => {
  test("another window than the next", () => {
    expect(() => assemble(stream, FIRST + 1n)).toThrow(refused("range-out-of-order"));
    expect(() => assemble(stream, FIRST, LAST - 1n)).toThrow(refused("range-out-of-order"));
    expect(() => assemble(stream.slice(at("header", 1)).concat(stream))).toThrow(refused("range-out-of-order"));
  });

  test("anything before a header, and a kind after a later one", () => {
    expect(() => assemble(stream.slice(1))).toThrow(refused("range-out-of-order"));
    const swapped = stream.with(at("body"), stream[at("vote")]!).with(at("vote"), stream[at("body")]!);
    expect(() => assemble(swapped)).toThrow(refused("range-out-of-order"));
  });

  test("whatever comes twice", () => {
    for (const type of ["body", "vote", "bundle", "reveal"] as const) {
      const index = at(type);
      expect(() => assemble(stream.toSpliced(index, 0, stream[index]!)), type).toThrow();
    }
  });

  test("an object that nothing names", () => {
    const others = at("bundle", 4);
    expect(() => assemble(stream.toSpliced(at("bundle"), 0, stream[others]!))).toThrow(refused("range-object-unasked"));
    const body = { ...stream[at("body")]!, payload: stream[at("body")]!.payload.slice() };
    body.payload[0]! ^= 1;
    expect(() => assemble(stream.with(at("body"), body))).toThrow(refused("range-object-unasked"));
  });

  test("every object that does not decode", () => {
    for (const [i, { type, payload }] of stream.entries()) {
      const short = { type, payload: payload.subarray(0, -1) };
      expect(() => assemble(stream.with(i, short)), `${i} ${type}`).toThrow(refused("range-object-malformed"));
    }
  });
});
