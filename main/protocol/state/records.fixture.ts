/** Arbitrary records for property tests: any canonical bytes, and ids from a small set, so that they meet. */
import fc from "fast-check";

import { sized, type AccountId, type Hash32, type NodeId } from "../bytes.ts";
import { decode, U128_MAX, type FixedCodec } from "../codec/codec.ts";
import { proposalHeader, type ProposalHeader } from "../objects/consensus.ts";
import { accountRecord, candidateRecord, nodeRecord, type AccountRecord } from "./records.ts";

const FLAG_OFFSET = 50;

/** `size` bytes that differ from place to place. */
function bytesOf(size: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: 64, maxLength: 64 }).map((pattern) => {
    const bytes = new Uint8Array(size);
    for (let i = 0; i < size; i++) bytes[i] = pattern[(i * 7 + (i >> 6)) % pattern.length]! ^ (i >> 5);
    return bytes;
  });
}

function anyRecord<T>(codec: FixedCodec<T>): fc.Arbitrary<T> {
  return bytesOf(codec.size).map((bytes) => decode(codec, bytes));
}

export const accountBytes = bytesOf(accountRecord.size).map((bytes) => {
  bytes[FLAG_OFFSET]! &= 1;
  return bytes;
});
export const nodeBytes = bytesOf(nodeRecord.size);
export const candidateBytes = bytesOf(candidateRecord.size);

export const anyAccount = accountBytes.map((bytes) => decode(accountRecord, bytes));
export const anyNode = anyRecord(nodeRecord);
export const anyCandidate = anyRecord(candidateRecord);

/** One of eight ids, spread over both orders. */
export const fewIds: fc.Arbitrary<Hash32> = fc
  .integer({ min: 0, max: 7 })
  .map((n) => sized(new Uint8Array(32).fill(n, 0, 1).fill((n * 5) % 8, 31, 32), 32));
export const fewAccountIds = fewIds as fc.Arbitrary<AccountId>;
export const fewNodeIds = fewIds as fc.Arbitrary<NodeId>;

/** An account of few ids, whose balance, snapshot and last operation are often those that an index looks for. */
export const collidingAccount: fc.Arbitrary<AccountRecord> = fc
  .record({
    account: anyAccount,
    accountId: fewAccountIds,
    balance: fc.oneof(fc.constant(0n), fc.bigInt(0n, U128_MAX / 16n)),
    accountChainLength: fc.integer({ min: 0, max: 2 }),
    accountChainLengthSnapshot: fc.integer({ min: 0, max: 2 }),
    lastOpWindow: fc.integer({ min: 0, max: 4 }),
  })
  .map(({ account, ...fields }) => ({ ...account, ...fields }));

/** A header of `windowIndex` whose other fields are zero. */
export function headerOf(windowIndex: bigint): ProposalHeader {
  const blank = proposalHeader.decode(new Uint8Array(proposalHeader.codec.minSize));
  return { ...blank, windowIndex };
}
