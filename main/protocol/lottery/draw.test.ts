import { expect, test } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { sized, ZERO_HASH, type NodeId } from "../bytes.ts";
import { U128_MAX } from "../codec/codec.ts";
import { MONTANA_PARAMS } from "../genesis/montana.ts";
import { rulesOf } from "../genesis/rules.ts";
import type { NodeRecord } from "../state/records.ts";
import { drawTicket, entrantsOf, lotteryEndpoint, type Draw } from "./draw.ts";
import { lnQ64 } from "./integerLog.ts";

const { crypto } = loadCrypto();
const rules = rulesOf({ ...MONTANA_PARAMS, tau2Windows: 10n }, "spec");
const draw: Draw = { window: 100n, timechainValue: ZERO_HASH, aggregate: ZERO_HASH };

test("active nodes take part with their live snapshot, weightless and silent ones do not", () => {
  const nodes = [
    node(1, { chainLength: 30n, oldest: 12n, lastConfirmationWindow: 99n }),
    node(2, { chainLength: 30n, oldest: 30n, lastConfirmationWindow: 99n }),
    node(3, { chainLength: 30n, oldest: 12n, lastConfirmationWindow: 79n }),
    node(4, { chainLength: 1n, oldest: 0n, lastConfirmationWindow: 0n, startWindow: 98n }),
  ];
  expect(entrantsOf(nodes, 100n, rules)).toEqual([{ nodeId: nodeId(1), chainLength: 30n, snapshot: 18n }]);
});

test("a ticket is the logarithm of the own endpoint over the weight", () => {
  const { endpoint, ticket } = drawTicket(crypto, draw, { nodeId: nodeId(1), chainLength: 26n, snapshot: 10n });
  expect(endpoint).toEqual(lotteryEndpoint(crypto, draw, nodeId(1)));
  expect(ticket).toBe(lnQ64(endpoint) / 12n);
  expect(drawTicket(crypto, draw, { nodeId: nodeId(1), chainLength: 26n, snapshot: 0n }).ticket).toBe(U128_MAX);
});

test("each node, window, TimeChain value and aggregate has its own endpoint", () => {
  const other = sized(new Uint8Array(32).fill(1), 32);
  const endpoints = [
    lotteryEndpoint(crypto, draw, nodeId(1)),
    lotteryEndpoint(crypto, draw, nodeId(2)),
    lotteryEndpoint(crypto, { ...draw, window: 101n }, nodeId(1)),
    lotteryEndpoint(crypto, { ...draw, timechainValue: other }, nodeId(1)),
    lotteryEndpoint(crypto, { ...draw, aggregate: other }, nodeId(1)),
  ];
  expect(new Set(endpoints.map(String)).size).toBe(endpoints.length);
});

function node(id: number, { oldest, ...fields }: Partial<NodeRecord> & { readonly oldest: bigint }): NodeRecord {
  const record = { nodeId: nodeId(id), startWindow: 0n, chainLengthCheckpoints: [oldest, 0n, 0n, 0n, 0n, 0n] };
  return { ...record, ...fields } as NodeRecord;
}

function nodeId(byte: number): NodeId {
  return sized(new Uint8Array(32).fill(byte), 32) as NodeId;
}
