import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { byteKey, concatBytes, toHex, type AccountId } from "../protocol/bytes.ts";
import type { ProtocolError } from "../protocol/errors.ts";
import {
  operation as operationClass,
  TYPE_CREATE,
  TYPE_TRANSFER,
  type Operation,
} from "../protocol/objects/operations.ts";
import type { Intent } from "./drafting.ts";
import { OPERATIONS_FILE } from "./operationsFile.ts";
import { Outbox, QUEUE_MAX, type OutboxNotice } from "./outbox.ts";
import { Person, type Role } from "./person.ts";
import type { OperationState, TrackedOperation } from "./trackedOperation.ts";
import { crypto, freshDirectory, keyPair, NETWORK_ID, TAU2, TestChain, TestPerson } from "./wallet.fixture.ts";

const MONT = 1_000_000_000n;
const [alice, bob, carol, dave] = [10, 20, 30, 40].map((seed) => new TestPerson(seed)) as [
  TestPerson,
  TestPerson,
  TestPerson,
  TestPerson,
];

interface Opened {
  readonly outbox: Outbox;
  readonly states: OperationState[];
  readonly notices: OutboxNotice[];
  readonly directory: string;
  /** Without a word to anybody, as when the process is killed. */
  readonly kill: () => void;
}

async function openOutbox(chain: TestChain, person: TestPerson, directory?: string): Promise<Opened> {
  const states: OperationState[] = [];
  const notices: OutboxNotice[] = [];
  const path = directory ?? (await freshDirectory());
  const outbox = await Outbox.open({
    crypto,
    tau2Windows: TAU2,
    networkId: NETWORK_ID,
    directory: path,
    person: new Person(crypto, person.keys),
    signers: person.signers,
    chain,
    node: chain,
    onChange: ({ state }: TrackedOperation) => states.push(state),
    onNotice: (notice) => notices.push(notice),
  });
  const listener = {
    windowDecided: (event: Parameters<Outbox["windowDecided"]>[0]) => outbox.windowDecided(event),
    operationConfirmed: (operation: Operation, window: bigint) =>
      outbox.operationConfirmed(operationClass.identify(crypto, operation), window),
    operationSeen: (operation: Operation, window: bigint) => outbox.operationSeen(operation, window),
  };
  chain.listeners.add(listener);
  const kill = () => void chain.listeners.delete(listener);
  return { outbox, states, notices, directory: path, kill };
}

const chainOfFour = () =>
  new TestChain(alice, [
    [alice.keys.accountPublicKey, 100n * MONT],
    [bob.keys.accountPublicKey, 50n * MONT],
  ]);

const pay = (receiver: AccountId, amount: bigint): Intent => ({ kind: "pay", receiver, amount });
const createFor = (person: TestPerson, amount: bigint): Intent => ({
  kind: "pay",
  receiver: person.accountId,
  receiverKey: person.keys.accountPublicKey,
  amount,
});
const note: Intent = {
  kind: "anchor",
  appId: crypto.sha256(Uint8Array.of(1)),
  dataHash: crypto.sha256(Uint8Array.of(2)),
};

async function codeOf(run: () => Promise<unknown>): Promise<string> {
  return run().then(
    () => "nothing was thrown",
    (error: unknown) => (error as ProtocolError).code,
  );
}

/** Of everything given to the node: how many different operations for each place. */
function rivals(chain: TestChain): number {
  const places = new Map<string, Set<string>>();
  for (const op of chain.submitted) {
    const place = byteKey(op.sender) + byteKey(op.prevHash);
    places.set(place, (places.get(place) ?? new Set()).add(byteKey(operationClass.identify(crypto, op))));
  }
  return Math.max(0, ...Array.from(places.values(), ({ size }) => size));
}

/** The file with other fields, sealed as the program would. */
function sealed(whole: Uint8Array, change: (content: Uint8Array) => void): Uint8Array {
  const copy = whole.slice();
  change(copy.subarray(0, -32));
  copy.set(crypto.sha256(copy.subarray(0, -32)), copy.length - 32);
  return copy;
}

const stateOf = ({ outbox }: Opened, id: Uint8Array): OperationState =>
  outbox.operations.find((each) => toHex(each.id) === toHex(id))!.state;

describe("one operation", () => {
  test("goes from signed to settled in two windows, and the money with it", async () => {
    const chain = chainOfFour();
    const { outbox, states } = await openOutbox(chain, bob);
    await chain.decide(2);
    const sent = await outbox.add("account", pay(alice.accountId, 5n * MONT));
    expect(sent.state).toBe("cementing");
    expect(outbox.isBusy("account", chain.window!)).toBe(true);
    await chain.decide();
    expect(outbox.operations.at(-1)!.state).toBe("confirmed");
    expect(chain.balanceOf(bob.accountId)).toBe(50n * MONT);
    await chain.decide();
    expect(outbox.operations.at(-1)).toMatchObject({ state: "settled", stateWindow: chain.window });
    expect(chain.balanceOf(bob.accountId)).toBe(45n * MONT);
    expect(states).toEqual(["queued", "signed", "cementing", "confirmed", "settled"]);
    expect(outbox.isBusy("account", chain.window!)).toBe(false);
  });

  test("is refused before it is signed or written when it cannot be valid", async () => {
    const chain = chainOfFour();
    const { outbox, states, directory } = await openOutbox(chain, bob);
    await chain.decide();
    expect(await codeOf(() => outbox.add("account", pay(alice.accountId, 51n * MONT)))).toBe("insufficient-balance");
    expect(await codeOf(() => outbox.add("account", pay(alice.accountId, 0n)))).toBe("zero-amount");
    expect(await codeOf(() => outbox.add("account", pay(bob.accountId, 1n)))).toBe("self-transfer");
    expect(await codeOf(() => outbox.add("account", pay(carol.accountId, 1n)))).toBe("receiver-not-active");
    expect(await codeOf(() => outbox.add("node", pay(alice.accountId, 1n)))).toBe("account-not-active");
    bob.isLocked = true;
    expect(await codeOf(() => outbox.add("account", pay(alice.accountId, 1n)))).toBe("account-locked");
    bob.isLocked = false;
    expect([states, chain.submitted]).toEqual([[], []]);
    expect(await codeOf(() => readFile(join(directory, OPERATIONS_FILE)))).toBe("ENOENT");
  });

  test("waits while no node runs and goes out when one does", async () => {
    const chain = chainOfFour();
    const opened = await openOutbox(chain, bob);
    await chain.decide();
    chain.isNodeAvailable = false;
    const { id, state } = await opened.outbox.add("account", pay(alice.accountId, 1n));
    expect(state).toBe("signed");
    chain.isNodeAvailable = true;
    await opened.outbox.resume();
    expect(stateOf(opened, id)).toBe("cementing");
    await chain.decide(2);
    expect(stateOf(opened, id)).toBe("settled");
  });
});

describe("two quick sends", () => {
  test("both arrive, one after the other, although the account is locked at once", async () => {
    const chain = chainOfFour();
    const opened = await openOutbox(chain, bob);
    await chain.decide();
    const first = await opened.outbox.add("account", pay(alice.accountId, 2n * MONT));
    const second = await opened.outbox.add("account", pay(alice.accountId, 3n * MONT));
    expect([first.state, second.state]).toEqual(["cementing", "queued"]);
    bob.isLocked = true;
    await chain.decide(4);
    bob.isLocked = false;
    expect([stateOf(opened, first.id), stateOf(opened, second.id)]).toEqual(["settled", "settled"]);
    expect(chain.balanceOf(bob.accountId)).toBe(45n * MONT);
    expect(rivals(chain)).toBe(1);
    const order = chain.submitted.map((op) => toHex(operationClass.identify(crypto, op)));
    expect(order.lastIndexOf(toHex(first.id))).toBeLessThan(order.indexOf(toHex(second.id)));
  });

  test("from two accounts go at the same time", async () => {
    const chain = new TestChain(alice, [
      [bob.keys.accountPublicKey, MONT],
      [bob.keys.nodePublicKey, MONT],
    ]);
    const { outbox } = await openOutbox(chain, bob);
    await chain.decide();
    await outbox.add("account", pay(alice.accountId, MONT));
    await outbox.add("node", pay(alice.accountId, MONT));
    await chain.decide(2);
    expect(outbox.operations.map(({ state }) => state)).toEqual(["settled", "settled"]);
  });

  test("of a full queue and no more", async () => {
    const chain = chainOfFour();
    const opened = await openOutbox(chain, bob);
    await chain.decide();
    const first = await opened.outbox.add("account", note);
    for (let i = 0; i < QUEUE_MAX; i++) await opened.outbox.add("account", pay(alice.accountId, BigInt(i + 1)));
    expect(await codeOf(() => opened.outbox.add("account", note))).toBe("queue-full");
    await chain.decide(2 + 2 * QUEUE_MAX);
    expect(stateOf(opened, first.id)).toBe("settled");
    expect(opened.outbox.operations.every(({ state }) => state === "settled")).toBe(true);
    expect(rivals(chain)).toBe(1);
  });

  test("what waits behind a change of key is signed for the new one", async () => {
    const chain = chainOfFour();
    const opened = await openOutbox(chain, bob);
    await chain.decide();
    await opened.outbox.add("account", { kind: "change-key", newKey: bob.keys.nodePublicKey });
    const second = await opened.outbox.add("account", pay(alice.accountId, MONT));
    bob.isLocked = true;
    await chain.decide(4);
    bob.isLocked = false;
    expect(stateOf(opened, second.id)).toBe("settled");
    await opened.outbox.add("account", { kind: "change-key", newKey: keyPair(99).publicKey });
    expect(await codeOf(() => opened.outbox.add("account", note))).toBe("key-not-held");
  });
});

describe("a cancellation", () => {
  test("of what still waits leaves no trace", async () => {
    const chain = chainOfFour();
    const opened = await openOutbox(chain, bob);
    await chain.decide();
    await opened.outbox.add("account", note);
    const second = await opened.outbox.add("account", pay(alice.accountId, MONT));
    expect(await opened.outbox.cancel(second.id)).toMatchObject({ state: "rejected", reason: "cancelled" });
    await chain.decide(6);
    expect(chain.balanceOf(bob.accountId)).toBe(50n * MONT);
    expect(await codeOf(() => opened.outbox.cancel(second.id))).toBe("operation-final");
    expect(opened.notices).toEqual([]);
  });

  test("of what nobody confirms settles an anchor in its place", async () => {
    const chain = chainOfFour();
    const opened = await openOutbox(chain, bob);
    await chain.decide();
    const sent = await opened.outbox.add("account", pay(alice.accountId, MONT));
    chain.dropPool();
    const anchor = await opened.outbox.cancel(sent.id);
    await chain.decide(2);
    expect(stateOf(opened, anchor.id)).toBe("settled");
    expect(opened.outbox.operations.find(({ id }) => id === sent.id)).toMatchObject({
      state: "rejected",
      reason: "cancelled",
    });
    expect(chain.balanceOf(bob.accountId)).toBe(50n * MONT);
    const after = await opened.outbox.add("account", pay(alice.accountId, MONT));
    await chain.decide(2);
    expect(stateOf(opened, after.id)).toBe("settled");
  });

  test("goes on over the timeout of nodes that saw both, until the anchor settles", async () => {
    const chain = chainOfFour();
    const opened = await openOutbox(chain, bob);
    await chain.decide();
    const sent = await opened.outbox.add("account", pay(alice.accountId, MONT));
    const waiting = await opened.outbox.add("account", pay(alice.accountId, 7n));
    const anchor = await opened.outbox.cancel(sent.id);
    await chain.decide(12, { hasQuorum: false });
    expect(stateOf(opened, anchor.id)).toBe("cementing");
    // The first operation may be listed as long as the nodes keep to it; here they never had a quorum.
    await chain.decide(20);
    expect([stateOf(opened, anchor.id), stateOf(opened, sent.id), stateOf(opened, waiting.id)]).toContain("settled");
    const settled = opened.outbox.operations.filter(({ state }) => state === "settled");
    expect(settled.filter(({ id }) => id === sent.id || id === anchor.id)).toHaveLength(1);
    expect(stateOf(opened, waiting.id)).toBe("settled");
  });

  test("that comes too late says so", async () => {
    const chain = chainOfFour();
    const opened = await openOutbox(chain, bob);
    await chain.decide();
    const sent = await opened.outbox.add("account", pay(alice.accountId, MONT));
    await chain.decide();
    const anchor = await opened.outbox.cancel(sent.id);
    await chain.decide(3);
    expect([stateOf(opened, sent.id), stateOf(opened, anchor.id)]).toEqual(["settled", "rejected"]);
    expect(await codeOf(() => opened.outbox.cancel(sent.id))).toBe("operation-final");
    expect(await codeOf(() => opened.outbox.cancel(anchor.id))).toBe("operation-final");
    expect(await codeOf(() => opened.outbox.cancel(NETWORK_ID))).toBe("operation-unknown");
  });
});

describe("a create", () => {
  test("makes the account; a second one is too early for an epoch", async () => {
    const chain = chainOfFour();
    const { outbox } = await openOutbox(chain, bob);
    await chain.decide();
    await outbox.add("account", createFor(carol, 3n * MONT));
    await chain.decide(2);
    expect(chain.balanceOf(carol.accountId)).toBe(3n * MONT);
    expect(await codeOf(() => outbox.add("account", createFor(dave, MONT)))).toBe("activation-cooldown-not-elapsed");
    await chain.decide(Number(TAU2) - 1);
    await outbox.add("account", createFor(dave, MONT));
    await chain.decide(2);
    expect(chain.balanceOf(dave.accountId)).toBe(MONT);
  });

  test("of an account that somebody else makes in the same window is skipped; its money goes as a transfer", async () => {
    const chain = new TestChain(alice, [
      [bob.keys.accountPublicKey, 50n * MONT],
      [dave.keys.accountPublicKey, 50n * MONT],
    ]);
    const people = [
      { person: bob, opened: await openOutbox(chain, bob) },
      { person: dave, opened: await openOutbox(chain, dave) },
    ];
    await chain.decide();
    const sent: TrackedOperation[] = [];
    for (const { opened } of people) sent.push(await opened.outbox.add("account", createFor(carol, 2n * MONT)));
    await chain.decide(1, { alsoCemented: sent.map(({ operation }) => operation) });
    await chain.decide();
    const loser = people.findIndex(({ opened }, i) => stateOf(opened, sent[i]!.id) === "skipped");
    const { person, opened } = people[loser]!;
    expect(stateOf(people[1 - loser]!.opened, sent[1 - loser]!.id)).toBe("settled");
    expect(chain.balanceOf(person.accountId)).toBe(50n * MONT);
    expect(chain.balanceOf(carol.accountId)).toBe(2n * MONT);
    expect(opened.notices.at(-1)).toMatchObject({
      code: "operation-failed",
      params: { reason: "receiver-already-exists" },
    });

    const next = await opened.outbox.add("account", createFor(carol, 3n * MONT));
    expect([next.state, next.operation.type]).toEqual(["queued", TYPE_TRANSFER]);
    await chain.decide(12);
    expect(stateOf(opened, next.id)).toBe("queued");
    await chain.decide(4);
    expect(stateOf(opened, next.id)).toBe("settled");
    expect(chain.balanceOf(carol.accountId)).toBe(5n * MONT);
    expect(stateOf(opened, sent[loser]!.id)).toBe("skipped");
  });

  test("becomes a transfer when the account is there by its turn", async () => {
    const chain = chainOfFour();
    const [a, b] = [await openOutbox(chain, alice), await openOutbox(chain, bob)];
    await chain.decide();
    await b.outbox.add("account", note);
    const waiting = await b.outbox.add("account", createFor(carol, 2n * MONT));
    await a.outbox.add("account", createFor(carol, MONT));
    await chain.decide(5);
    expect(stateOf(b, waiting.id)).toBe("settled");
    expect(chain.balanceOf(carol.accountId)).toBe(3n * MONT);
    expect(chain.submitted.filter((op) => op.sender === bob.accountId && op.type === TYPE_CREATE)).toEqual([]);
  });
});

describe("without a quorum", () => {
  test("an operation is sent again with every window and expires after thirteen", async () => {
    const chain = chainOfFour();
    const opened = await openOutbox(chain, bob);
    await chain.decide();
    const sent = await opened.outbox.add("account", pay(alice.accountId, MONT));
    const waiting = await opened.outbox.add("account", pay(alice.accountId, 7n));
    await chain.decide(12, { hasQuorum: false });
    expect(stateOf(opened, sent.id)).toBe("cementing");
    expect(chain.submitted).toHaveLength(13);
    await chain.decide(1, { hasQuorum: false });
    expect([stateOf(opened, sent.id), stateOf(opened, waiting.id)]).toEqual(["expired", "queued"]);
    expect(opened.notices.map(({ code }) => code)).toEqual(["operation-expired"]);
    await chain.decide(20, { hasQuorum: false });
    expect(chain.submitted).toHaveLength(13);
    expect(await codeOf(() => opened.outbox.add("account", note))).toBe("operation-unresolved");

    await opened.outbox.sendAgain(sent.id);
    await chain.decide(4);
    expect([stateOf(opened, sent.id), stateOf(opened, waiting.id)]).toEqual(["settled", "settled"]);
    expect(rivals(chain)).toBe(1);
    expect(await codeOf(() => opened.outbox.sendAgain(sent.id))).toBe("operation-final");
  });

  test("windows that a node catches up with do not count", async () => {
    const chain = chainOfFour();
    const opened = await openOutbox(chain, bob);
    await chain.decide();
    const sent = await opened.outbox.add("account", pay(alice.accountId, MONT));
    await chain.decide(50, { hasQuorum: false, isLive: false });
    expect(stateOf(opened, sent.id)).toBe("cementing");
    expect(chain.submitted).toHaveLength(1);
  });

  test("an expired operation that settles after all has settled", async () => {
    const chain = chainOfFour();
    const opened = await openOutbox(chain, bob);
    await chain.decide();
    const sent = await opened.outbox.add("account", pay(alice.accountId, MONT));
    await chain.decide(13, { hasQuorum: false });
    await chain.gossip(sent.operation);
    await chain.decide(3);
    expect(stateOf(opened, sent.id)).toBe("settled");
  });
});

describe("after a restart", () => {
  /** Brings an operation into each state in which a process can end. */
  const moments: Record<string, (chain: TestChain, opened: Opened) => Promise<void>> = {
    "written down and never sent": async (chain) => {
      chain.isNodeAvailable = false;
      await Promise.resolve();
    },
    "just sent": async () => Promise.resolve(),
    "sent, and the node forgot it": async (chain) => {
      chain.dropPool();
      await Promise.resolve();
    },
    confirmed: async (chain) => chain.decide(),
    "settled while nobody looked": async (chain, { kill }) => {
      kill();
      await chain.decide(5);
    },
    expired: async (chain) => chain.decide(13, { hasQuorum: false }),
  };

  test.each(Object.keys(moments))("an operation %s is neither forgotten nor made twice", async (name) => {
    const chain = chainOfFour();
    const before = await openOutbox(chain, bob);
    await chain.decide();
    if (name.startsWith("written")) await moments[name]!(chain, before);
    const sent = await before.outbox.add("account", pay(alice.accountId, MONT));
    const waiting = await before.outbox.add("account", pay(alice.accountId, 2n * MONT));
    if (!name.startsWith("written")) await moments[name]!(chain, before);
    before.kill();
    chain.isNodeAvailable = true;

    bob.isLocked = true;
    const after = await openOutbox(chain, bob, before.directory);
    await after.outbox.resume();
    if (name === "expired") await after.outbox.sendAgain(sent.id);
    await chain.decide(6);
    bob.isLocked = false;
    expect([stateOf(after, sent.id), stateOf(after, waiting.id)]).toEqual(["settled", "settled"]);
    expect(chain.balanceOf(bob.accountId)).toBe(47n * MONT);
    expect(rivals(chain)).toBe(1);
  });

  test("a settled operation is found although others settled after it", async () => {
    const chain = chainOfFour();
    const here = await openOutbox(chain, bob);
    await chain.decide();
    const sent = await here.outbox.add("account", pay(alice.accountId, MONT));
    here.kill();
    await chain.decide(2);
    const elsewhere = await openOutbox(chain, bob);
    for (let i = 0; i < 55; i++) {
      await elsewhere.outbox.add("account", note);
      await chain.decide(2);
    }
    const again = await openOutbox(chain, bob, here.directory);
    await again.outbox.resume();
    expect(again.outbox.operations.find(({ id }) => toHex(id) === toHex(sent.id))).toMatchObject({
      state: "settled",
      stateWindow: 2n,
    });
  });

  test("a cancellation goes on", async () => {
    const chain = chainOfFour();
    const before = await openOutbox(chain, bob);
    await chain.decide();
    const sent = await before.outbox.add("account", pay(alice.accountId, MONT));
    chain.dropPool();
    const anchor = await before.outbox.cancel(sent.id);
    before.kill();
    chain.dropPool();
    const after = await openOutbox(chain, bob, before.directory);
    await after.outbox.resume();
    await chain.decide(2);
    expect([stateOf(after, sent.id), stateOf(after, anchor.id)]).toEqual(["rejected", "settled"]);
  });

  test("a damaged file is named and never read as an empty one", async () => {
    const chain = chainOfFour();
    const before = await openOutbox(chain, bob);
    await chain.decide();
    await before.outbox.add("account", pay(alice.accountId, MONT));
    const path = join(before.directory, OPERATIONS_FILE);
    const whole = Uint8Array.from(await readFile(path));
    const open = () => openOutbox(chain, bob, before.directory);
    const faults: [Uint8Array, string][] = [
      [new Uint8Array(), "wallet-file-damaged"],
      [whole.subarray(0, 100), "wallet-file-damaged"],
      [whole.subarray(0, -1), "wallet-file-damaged"],
      [whole.with(0, 0), "wallet-file-damaged"],
      [whole.with(200, whole[200]! ^ 1), "wallet-file-damaged"],
      [new Uint8Array((1 << 20) + 1), "wallet-file-damaged"],
      [sealed(whole, (content) => (content[4] = 3)), "wallet-file-newer"],
      [sealed(whole, (content) => (content[5] = content[5]! ^ 1)), "wallet-file-of-another-network"],
      [sealed(whole, (content) => (content[39 + 64] = 9)), "wallet-file-damaged"],
    ];
    for (const [content, code] of faults) {
      await writeFile(path, content);
      expect(await codeOf(open)).toBe(code);
    }
    await writeFile(path, whole);
    expect((await open()).outbox.operations).toHaveLength(1);
  });

  test("a file of version 1, which knew no orders, is read", async () => {
    const chain = chainOfFour();
    const before = await openOutbox(chain, bob);
    await chain.decide();
    const sent = await before.outbox.add("account", pay(alice.accountId, MONT));
    const path = join(before.directory, OPERATIONS_FILE);
    const whole = Uint8Array.from(await readFile(path));
    const order = whole.length - 32 - operationClass.encode(sent.operation).length - 32;
    const content = concatBytes(whole.subarray(0, order), whole.subarray(order + 32, -32)).with(4, 1);
    await writeFile(path, concatBytes(content, crypto.sha256(content)));
    expect((await openOutbox(chain, bob, before.directory)).outbox.operations).toEqual([
      expect.objectContaining({ id: sent.id, operation: sent.operation }),
    ]);
  });
});

describe("a copied wallet", () => {
  test("is noticed when its operation for the same place comes along; one of the two may win", async () => {
    const chain = chainOfFour();
    const [here, there] = [await openOutbox(chain, bob), await openOutbox(chain, bob)];
    await chain.decide();
    chain.isNodeAvailable = false;
    const mine = await here.outbox.add("account", pay(alice.accountId, MONT));
    const theirs = await there.outbox.add("account", pay(alice.accountId, 2n * MONT));
    chain.isNodeAvailable = true;
    await here.outbox.resume();
    await there.outbox.resume();
    await chain.decide();
    expect([...here.notices, ...there.notices].map(({ code }) => code)).toContain("operation-contradicted");
    await chain.decide(40);
    const states = [stateOf(here, mine.id), stateOf(there, theirs.id)];
    expect(states).not.toEqual(["settled", "settled"]);
    for (const state of states) expect(["settled", "rejected", "expired"]).toContain(state);
  });

  test("stops a new operation from contradicting one of elsewhere", async () => {
    const chain = chainOfFour();
    const [here, there] = [await openOutbox(chain, bob), await openOutbox(chain, bob)];
    await chain.decide();
    const theirs = await there.outbox.add("account", pay(alice.accountId, 2n * MONT));
    const mine = await here.outbox.add("account", pay(alice.accountId, MONT));
    expect(mine.state).toBe("queued");
    expect(here.notices.map(({ code }) => code)).toEqual(["account-used-elsewhere"]);
    await chain.decide(4);
    expect([stateOf(there, theirs.id), stateOf(here, mine.id)]).toEqual(["settled", "settled"]);
    expect(rivals(chain)).toBe(1);
  });

  test("whose operation settled first ends the own one with that reason", async () => {
    const chain = chainOfFour();
    const [here, there] = [await openOutbox(chain, bob), await openOutbox(chain, bob)];
    await chain.decide();
    here.kill();
    await there.outbox.add("account", pay(alice.accountId, 2n * MONT));
    chain.isNodeAvailable = false;
    const mine = await here.outbox.add("account", pay(alice.accountId, MONT));
    await chain.decide(2);
    await here.outbox.resume();
    expect(here.outbox.operations.find(({ id }) => id === mine.id)).toMatchObject({
      state: "rejected",
      reason: "other-operation-settled",
    });
  });
});

test("what cannot be written down is not sent", async () => {
  const chain = chainOfFour();
  const { outbox, directory, states } = await openOutbox(chain, bob);
  await chain.decide();
  await rm(directory, { recursive: true });
  expect(await codeOf(() => outbox.add("account", note))).toBe("file-failed");
  expect([outbox.operations, chain.submitted, states]).toEqual([[], [], []]);
});

test("the file stays small whatever a person orders and takes back", async () => {
  const chain = chainOfFour();
  const { outbox, directory } = await openOutbox(chain, bob);
  await chain.decide();
  await outbox.add("account", note);
  for (let i = 0; i < 60; i++) {
    const { id } = await outbox.add("account", pay(alice.accountId, BigInt(i + 1)));
    await outbox.cancel(id);
  }
  expect((await readFile(join(directory, OPERATIONS_FILE))).length).toBeLessThan(40 * 5600);
});

type Action =
  | { readonly do: "pay"; readonly amount: bigint }
  | { readonly do: "decide"; readonly hasQuorum: boolean; readonly isLive: boolean }
  | { readonly do: "restart" | "forget" | "lock" | "unlock" | "stop node" | "start node" | "again" | "drought" };

const anyAction: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("pay" as const), amount: fc.bigInt(1n, 30n * MONT) }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant("decide" as const), hasQuorum: fc.boolean(), isLive: fc.boolean() }),
  },
  {
    weight: 5,
    arbitrary: fc
      .constantFrom("restart" as const, "forget", "lock", "unlock", "stop node", "start node", "again", "drought")
      .map((name) => ({ do: name })),
  },
);

test("whatever happens, no place gets two operations and no money goes twice or astray", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyAction, { minLength: 10, maxLength: 40, size: "max" }), async (actions) => {
      const person = new TestPerson(20);
      const chain = chainOfFour();
      let opened = await openOutbox(chain, person);
      await chain.decide();
      const ordered = new Map<string, bigint>();
      const sendAgain = async (): Promise<void> => {
        for (const { id, state } of opened.outbox.operations)
          if (state === "expired") await opened.outbox.sendAgain(id);
      };
      const act = async (action: Action): Promise<void> => {
        switch (action.do) {
          case "pay": {
            const made = await opened.outbox.add("account", pay(alice.accountId, action.amount)).catch(() => undefined);
            if (made !== undefined) ordered.set(toHex(made.id), action.amount);
            break;
          }
          case "decide":
            return chain.decide(1, action);
          case "restart":
            opened.kill();
            opened = await openOutbox(chain, person, opened.directory);
            return opened.outbox.resume();
          case "forget": {
            chain.dropPool();
            return;
          }
          case "lock":
          case "unlock":
            person.isLocked = action.do === "lock";
            break;
          case "stop node":
          case "start node":
            chain.isNodeAvailable = action.do === "start node";
            break;
          case "again":
            return sendAgain();
          case "drought":
            return chain.decide(13, { hasQuorum: false });
        }
      };
      for (const action of actions) await act(action);
      person.isLocked = false;
      chain.isNodeAvailable = true;
      for (let i = 0; i < 60 && opened.outbox.line("account").length > 0; i++) {
        await sendAgain();
        await chain.decide();
      }
      expect(opened.outbox.line("account")).toEqual([]);
      expect(rivals(chain)).toBeLessThanOrEqual(1);
      const lines = await chain.history(person.accountId, 1000);
      const spent = lines.reduce((sum, { amount }) => sum + amount, 0n);
      expect(chain.balanceOf(person.accountId)).toBe(50n * MONT - spent);
      const states = opened.outbox.operations.map(({ id, state }) => [toHex(id), state] as const);
      for (const [id, state] of states) {
        expect(["settled", "rejected"]).toContain(state);
        if (state === "settled") expect(lines.some(({ amount }) => amount === ordered.get(id))).toBe(true);
      }
      const settled = states.filter(([, state]) => state === "settled");
      expect(lines).toHaveLength(settled.length);
    }),
    { numRuns: 25 },
  );
});

test("no error and no notice holds a key or what was signed", async () => {
  const chain = chainOfFour();
  const opened = await openOutbox(chain, bob);
  await chain.decide();
  const role: Role = "account";
  await opened.outbox.add(role, pay(alice.accountId, MONT));
  await chain.decide(13, { hasQuorum: false });
  const error = (await opened.outbox.add(role, note).catch((caught: unknown) => caught)) as ProtocolError;
  const told = JSON.stringify(
    [error.params, error.message, opened.notices.map(({ params }) => params)],
    (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value),
  );
  for (const secret of [bob.keys.accountPublicKey, opened.outbox.operations[0]!.operation.signature]) {
    expect(told).not.toContain(toHex(secret).slice(0, 64));
  }
});
