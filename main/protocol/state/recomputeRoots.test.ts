import fc from "fast-check";
import { expect, it } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { toHex } from "../bytes.ts";
import { decode } from "../codec/codec.ts";
import { MemoryState } from "./memory.ts";
import { accountBytes, candidateBytes, nodeBytes } from "./records.fixture.ts";
import { accountRecord, candidateRecord, nodeRecord } from "./records.ts";
import { recomputeRoots } from "./recomputeRoots.ts";

const { crypto } = loadCrypto();
const FLAG_OFFSET = 50;

function rootOf(account: Uint8Array, node: Uint8Array, candidate: Uint8Array): string {
  const state = new MemoryState().load({
    accounts: [decode(accountRecord, account)],
    nodes: [decode(nodeRecord, node)],
    candidates: [decode(candidateRecord, candidate)],
  });
  return toHex(recomputeRoots(crypto, state).stateRoot);
}

it("the state root changes with every byte of every table", () => {
  fc.assert(
    fc.property(
      fc.tuple(accountBytes, nodeBytes, candidateBytes),
      fc.integer({ min: 0, max: 2 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (records, table, place, difference) => {
        const changed = records.map((bytes) => bytes.slice());
        const target = changed[table]!;
        const offset = place % target.length;
        target[offset]! ^= table === 0 && offset === FLAG_OFFSET ? 1 : difference;
        expect(rootOf(changed[0]!, changed[1]!, changed[2]!)).not.toBe(rootOf(...records));
      },
    ),
    { numRuns: 60 },
  );
});
