import { expect, test } from "vitest";

import { concatBytes } from "../bytes.ts";
import { Writer } from "./writer.ts";

test("what does not fit into the first buffer is written into the grown one", () => {
  const writer = new Writer(0);
  const tail = new Uint8Array(300).fill(7);
  writer.u8(1);
  writer.u16(0x0302);
  writer.u32(0x07060504);
  writer.u64(0x0f0e0d0c0b0a0908n);
  writer.u128((0x0807060504030201n << 64n) | 0x0807060504030201n);
  writer.bytes(tail);
  const upTo = (last: number): Uint8Array => Uint8Array.from({ length: last }, (_, i) => i + 1);
  expect(writer.finish()).toEqual(concatBytes(upTo(15), upTo(8), upTo(8), tail));
});
