import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

import { fromHex, toHex } from "../protocol/bytes.ts";
import type { ProtocolError } from "../protocol/errors.ts";
import { encodeAddress } from "../protocol/identity/address.ts";
import { appIdOf } from "../protocol/identity/ids.ts";
import { TYPE_CREATE, TYPE_TRANSFER } from "../protocol/objects/operations.ts";
import { requestLink } from "./accountRequest.ts";
import { decodeAnchorProof } from "./anchorProof.ts";
import type { HistoryEntry } from "./history.ts";
import { WalletService } from "./service.ts";
import { crypto, freshDirectory, keyPair, NETWORK_ID, TAU2, TestChain, TestPerson } from "./wallet.fixture.ts";
import { Wallet } from "./wallet.ts";

const MONT = 1_000_000_000n;
const [miner, bob, carol, dave] = [10, 20, 30, 40].map((seed) => new TestPerson(seed)) as [
  TestPerson,
  TestPerson,
  TestPerson,
  TestPerson,
];

interface Opened {
  readonly wallet: Wallet;
  readonly service: WalletService;
  readonly told: HistoryEntry[];
  readonly directory: string;
  readonly kill: () => void;
}

async function openWallet(chain: TestChain, person: TestPerson, directory?: string): Promise<Opened> {
  const path = directory ?? (await freshDirectory());
  const wallet = await Wallet.open({
    crypto,
    rules: chain.rules,
    networkId: NETWORK_ID,
    directory: path,
    keys: person.keys,
    signers: person.signers,
    chain,
    node: chain,
  });
  await wallet.resume();
  const told: HistoryEntry[] = [];
  wallet.onChange((entry) => told.push(entry));
  chain.listeners.add(wallet);
  return {
    wallet,
    service: new WalletService(wallet, crypto),
    told,
    directory: path,
    kill: () => void chain.listeners.delete(wallet),
  };
}

const addressOf = (id: TestPerson["accountId"]): string => encodeAddress(crypto, id);

async function errorOf(run: () => unknown): Promise<ProtocolError> {
  try {
    await run();
  } catch (error) {
    return error as ProtocolError;
  }
  throw new Error("nothing was thrown");
}
const codeOf = async (run: () => unknown): Promise<string> => (await errorOf(run)).code;

const chainWith = (...balances: [Uint8Array, bigint][]): TestChain => new TestChain(miner, balances as never);

describe("two accounts of one person", () => {
  const chainOfBob = () =>
    chainWith(
      [bob.keys.accountPublicKey, 5n * MONT],
      [bob.keys.nodePublicKey, 13n * MONT],
      [dave.keys.accountPublicKey, 0n],
    );

  test("are shown as one balance and where it lies; what is under way is not to be had", async () => {
    const chain = chainOfBob();
    const { service } = await openWallet(chain, bob);
    expect((await service.balance()).window).toBeNull();
    await chain.decide();
    expect(await service.balance()).toEqual({
      total: "18000000000",
      available: "18000000000",
      accounts: [
        {
          role: "account",
          accountId: toHex(bob.accountId),
          address: addressOf(bob.accountId),
          exists: true,
          balance: "5000000000",
        },
        {
          role: "node",
          accountId: toHex(bob.nodeAccountId),
          address: addressOf(bob.nodeAccountId),
          exists: true,
          balance: "13000000000",
        },
      ],
      window: 0,
    });
    await service.send({ to: addressOf(dave.accountId), amount: "1000000000" });
    expect(await service.balance()).toMatchObject({ total: "18000000000", available: "5000000000" });
    await service.send({ to: addressOf(dave.accountId), amount: "1000000000" });
    expect(await service.balance()).toMatchObject({ total: "18000000000", available: "0" });
    await chain.decide(2);
    expect(await service.balance()).toMatchObject({ total: "16000000000", available: "16000000000" });
    expect(chain.balanceOf(dave.accountId)).toBe(2n * MONT);
  });

  test("pay from the one that can, or from the one that was chosen", async () => {
    const chain = chainOfBob();
    const { wallet } = await openWallet(chain, bob);
    await chain.decide();
    const to = addressOf(dave.accountId);
    expect((await wallet.pay({ to, amount: 6n * MONT })).role).toBe("node");
    expect((await wallet.pay({ to, amount: 2n * MONT })).role).toBe("account");
    // Both are busy: only the node's account still has that much.
    expect(await wallet.pay({ to: `montana:${to}`, amount: 4n * MONT })).toMatchObject({
      role: "node",
      state: "queued",
    });
    expect(await wallet.pay({ to: toHex(dave.accountId), amount: MONT, from: "account" })).toMatchObject({
      role: "account",
    });
    await chain.decide(4);
    expect([chain.balanceOf(bob.accountId), chain.balanceOf(bob.nodeAccountId)]).toEqual([2n * MONT, 3n * MONT]);
  });

  test("say what is possible when one account is not enough", async () => {
    const chain = chainOfBob();
    const { wallet } = await openWallet(chain, bob);
    await chain.decide();
    const to = addressOf(dave.accountId);
    expect(await errorOf(() => wallet.pay({ to, amount: 14n * MONT }))).toMatchObject({
      code: "amount-needs-two-payments",
      params: { amount: 14n * MONT, total: 18n * MONT, largest: 13n * MONT, from: "node" },
    });
    expect(await errorOf(() => wallet.pay({ to, amount: 19n * MONT }))).toMatchObject({
      code: "funds-insufficient",
      params: { amount: 19n * MONT, total: 18n * MONT },
    });
    expect(await codeOf(() => wallet.pay({ to, amount: 6n * MONT, from: "account" }))).toBe("funds-insufficient");
    expect(await codeOf(() => wallet.pay({ to, amount: 0n }))).toBe("zero-amount");
    expect(await codeOf(() => wallet.pay({ to: `${to}x`, amount: 1n }))).toMatch(/^bad-/);
    // Two orders at the same moment do not count on the same money.
    const both = await Promise.allSettled([
      wallet.pay({ to, amount: 10n * MONT }),
      wallet.pay({ to, amount: 10n * MONT }),
    ]);
    expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    const nobody = await openWallet(chain, carol);
    expect(await codeOf(() => nobody.wallet.pay({ to, amount: 1n }))).toBe("account-not-active");
  });

  test("pay to each other, also where the other is not there yet", async () => {
    const chain = chainWith([bob.keys.nodePublicKey, 13n * MONT]);
    const { wallet, service } = await openWallet(chain, bob);
    await chain.decide();
    const sent = await wallet.pay({ to: addressOf(bob.accountId), amount: 3n * MONT });
    expect([sent.role, sent.operation.type]).toEqual(["node", TYPE_CREATE]);
    await chain.decide(2);
    expect(await service.balance()).toMatchObject({ total: "13000000000", available: "13000000000" });
    const back = await wallet.pay({ to: addressOf(bob.nodeAccountId), amount: MONT });
    expect([back.role, back.operation.type]).toEqual(["account", TYPE_TRANSFER]);
    await chain.decide(2);
    const { entries } = await wallet.history(10);
    expect(entries.map(({ kind, direction, amount }) => [kind, direction, amount])).toEqual([
      ["transfer", "self", MONT],
      ["create", "self", 3n * MONT],
    ]);
  });
});

describe("an order", () => {
  const chainOfBob = () => chainWith([bob.keys.accountPublicKey, 5n * MONT], [dave.keys.accountPublicKey, 0n]);

  test("that comes again under its name, also after a restart, is carried out once", async () => {
    const chain = chainOfBob();
    const before = await openWallet(chain, bob);
    await chain.decide();
    const payment = { to: addressOf(dave.accountId), amount: "1000000000", order: "my order" };
    const [first, again] = [await before.service.send(payment), await before.service.send(payment)];
    expect(again).toEqual(first);
    before.kill();
    const after = await openWallet(chain, bob, before.directory);
    expect((await after.service.send(payment)).id).toBe(first.id);
    await chain.decide(2);
    expect(await after.service.send(payment)).toMatchObject({ id: first.id, state: "settled", reason: null });
    await after.service.send({ ...payment, order: "another one" });
    await chain.decide(2);
    expect(chain.balanceOf(dave.accountId)).toBe(2n * MONT);
  });

  test("that was taken back before anybody saw it is shown as cancelled", async () => {
    const chain = chainOfBob();
    const { service } = await openWallet(chain, bob);
    await chain.decide();
    await service.send({ to: addressOf(dave.accountId), amount: "1" });
    const { id, state } = await service.send({ to: addressOf(dave.accountId), amount: "2" });
    expect(state).toBe("queued");
    expect(await service.cancelOperation({ id })).toMatchObject({ id, state: "cancelled", reason: "cancelled" });
    const { entries } = await service.history({ limit: 10 });
    expect(entries.find((entry) => entry.id === id)).toMatchObject({ state: "cancelled" });
    expect(await codeOf(() => service.sendAgain({ id }))).toBe("operation-final");
  });
});

describe("a receiver without an account", () => {
  test("is known from the pictures of its request as well, in any order, with its note", async () => {
    const chain = chainWith([bob.keys.accountPublicKey, 5n * MONT]);
    const [sender, receiver] = [await openWallet(chain, bob), await openWallet(chain, carol)];
    const { pictures } = await receiver.service.createRequest({ note: "for the books" });
    expect(pictures.length).toBeGreaterThan(1);
    const opened = await sender.service.openRequest({ request: pictures.toReversed().join("\n") });
    expect(opened).toMatchObject({ address: addressOf(carol.accountId), amount: null, note: "for the books" });
    const some = pictures.slice(1).join("\n");
    expect(await codeOf(() => sender.service.openRequest({ request: some }))).toBe("pictures-missing");
    expect(await codeOf(() => receiver.service.createRequest({ note: "a\u0007b" }))).toBe("request-note");
  });

  test("gives a request, and the first money makes the account", async () => {
    const chain = chainWith([bob.keys.accountPublicKey, 5n * MONT]);
    const [sender, receiver] = [await openWallet(chain, bob), await openWallet(chain, carol)];
    await chain.decide();
    const { request } = await receiver.service.createRequest({ amount: "2000000000" });
    expect(await sender.service.openRequest({ request })).toEqual({
      accountId: toHex(carol.accountId),
      address: addressOf(carol.accountId),
      exists: false,
      amount: "2000000000",
      note: null,
    });
    expect(await errorOf(() => sender.service.send({ to: addressOf(carol.accountId), amount: "1" }))).toMatchObject({
      code: "receiver-needs-request",
      params: { address: addressOf(carol.accountId) },
    });
    await sender.service.send({ request, amount: "2000000000" });
    await chain.decide();
    expect((await receiver.wallet.history(10)).entries).toMatchObject([
      { kind: "create", direction: "in", state: "confirmed" },
    ]);
    await chain.decide();
    expect(await receiver.service.balance()).toMatchObject({ total: "2000000000", available: "2000000000" });
    expect(receiver.told.map(({ id, state }) => [id, state])).toEqual([
      [receiver.told[0]!.id, "confirmed"],
      [receiver.told[0]!.id, "settled"],
    ]);
    // The same request again is a plain transfer, to which no epoch applies.
    expect((await sender.wallet.pay({ request, amount: MONT })).operation.type).toBe(TYPE_TRANSFER);
  });

  test("gets a second payment after the one that makes its account, as a plain transfer", async () => {
    const chain = chainWith([bob.keys.accountPublicKey, 5n * MONT]);
    const { service, kill } = await openWallet(chain, bob);
    await chain.decide();
    const request = requestLink(crypto, new_request(carol));
    await service.send({ request, amount: "2000000000" });
    expect(await service.send({ request, amount: "1000000000" })).toMatchObject({ state: "queued" });
    await chain.decide(5);
    expect(chain.balanceOf(carol.accountId)).toBe(3n * MONT);
    kill();
  });

  test("waits for an epoch after another one, unless the other account of the sender can", async () => {
    const chain = chainWith([bob.keys.accountPublicKey, 5n * MONT], [bob.keys.nodePublicKey, 5n * MONT]);
    const { wallet } = await openWallet(chain, bob);
    await chain.decide();
    const requests = [50, 60, 70].map((seed) => requestLink(crypto, new_request(new TestPerson(seed))));
    const [first, second] = [
      await wallet.pay({ request: requests[0]!, amount: 1n }),
      await wallet.pay({ request: requests[1]!, amount: 1n }),
    ];
    expect([first.role, second.role]).toEqual(["node", "account"]);
    expect(await codeOf(() => wallet.pay({ request: requests[2]!, amount: 1n }))).toBe("creation-too-early");
    await chain.decide(2);
    const error = await errorOf(() => wallet.pay({ request: requests[2]!, amount: 1n }));
    expect(error).toMatchObject({ code: "creation-too-early", params: { window: 2n + TAU2, windows: TAU2 - 1n } });
    await chain.decide(Number(TAU2) - 1);
    expect((await wallet.pay({ request: requests[2]!, amount: 1n })).state).toBe("cementing");
  });

  function new_request(person: TestPerson) {
    return { accountId: person.accountId, publicKey: person.keys.accountPublicKey };
  }
});

describe("the bonus on the node key's account", () => {
  test("moves as money: it makes the account of the words, later it is a transfer", async () => {
    const chain = chainWith([bob.keys.nodePublicKey, 13n * MONT]);
    const { wallet } = await openWallet(chain, bob);
    await chain.decide();
    expect(await wallet.bonusOffer()).toEqual({
      accountId: bob.nodeAccountId,
      balance: 13n * MONT,
      ways: [
        {
          kind: "create",
          to: bob.accountId,
          amount: 13n * MONT,
          laterRewardsStay: false,
          earliestWindow: 1n,
          cooldownWindows: TAU2,
        },
        { kind: "change-key", laterRewardsStay: false, changesFingerprint: true },
      ],
    });
    await wallet.moveBonus("money");
    await chain.decide(2);
    expect([chain.balanceOf(bob.accountId), chain.balanceOf(bob.nodeAccountId)]).toEqual([13n * MONT, 0n]);
    expect(await wallet.bonusOffer()).toBeUndefined();
    expect(await codeOf(() => wallet.moveBonus("money"))).toBe("nothing-to-move");
    await wallet.pay({ to: addressOf(bob.nodeAccountId), amount: MONT });
    await chain.decide(2);
    expect((await wallet.bonusOffer())!.ways[0]).toMatchObject({ kind: "transfer", amount: MONT, cooldownWindows: 0n });
  });

  test("stays where it is and gets the key of the words, which spends it from then on", async () => {
    const chain = chainWith([bob.keys.nodePublicKey, 13n * MONT], [dave.keys.accountPublicKey, 0n]);
    const { wallet, service } = await openWallet(chain, bob);
    await chain.decide();
    await wallet.moveBonus("change-key");
    await chain.decide(2);
    const record = chain.state.accounts.get(bob.nodeAccountId)!;
    expect([record.balance, toHex(record.currentPubkey)]).toEqual([13n * MONT, toHex(bob.keys.accountPublicKey)]);
    expect(await wallet.bonusOffer()).toBeUndefined();
    await service.send({ to: addressOf(dave.accountId), amount: "3000000000" });
    await chain.decide(2);
    expect(chain.balanceOf(dave.accountId)).toBe(3n * MONT);
    // Rewards of a node whose operator this account is go on landing there.
    expect(await service.balance()).toMatchObject({ total: "10000000000", available: "10000000000" });
  });
});

describe("the offer to move the bonus", () => {
  test("says what each way means, and is no offer once nothing lies there", async () => {
    const chain = chainWith([bob.keys.nodePublicKey, 13n * MONT]);
    const { service } = await openWallet(chain, bob);
    expect(await service.bonusOffer()).toMatchObject({ offer: { balance: "13000000000" } });
    await chain.decide();
    const { offer } = await service.bonusOffer();
    expect(offer!.ways.map(({ way, creates, to }) => [way, creates, to])).toEqual([
      ["money", true, addressOf(bob.accountId)],
      ["change-key", false, null],
    ]);
    expect(offer!.ways[1]!.warnings.map(({ code }) => code)).toContain("old-key-ends");
    await service.moveBonus({ way: "money", order: "move it" });
    await chain.decide(2);
    expect(await service.moveBonus({ way: "money", order: "move it" })).toMatchObject({ state: "settled" });
    expect(await service.bonusOffer()).toEqual({ offer: null });
    expect(await codeOf(() => service.moveBonus({ way: "money" }))).toBe("nothing-to-move");
  });
});

describe("a change of key", () => {
  const cold = keyPair(201);
  const chainOfBob = () => chainWith([bob.keys.accountPublicKey, 5n * MONT]);

  test("needs the proof that the new key is at hand, and tells what it means", async () => {
    const chain = chainOfBob();
    const { wallet } = await openWallet(chain, bob);
    await chain.decide();
    const plan = await wallet.planKeyChange("account", cold.publicKey);
    expect(plan.challenge).toHaveLength(2019);
    expect(plan.warnings.map(({ code }) => code)).toEqual([
      "account-id-stays",
      "old-key-ends",
      "fingerprint-changes",
      "key-leaves-this-identity",
      "key-names-another-account",
    ]);
    expect(String(plan.warnings[2]!.params["after"]).split(" ")).toHaveLength(6);
    expect(await codeOf(() => wallet.changeKey("account", cold.publicKey))).toBe("key-not-proven");
    const wrong = crypto.mldsa65.sign(keyPair(202).secretKey, plan.challenge);
    expect(await codeOf(() => wallet.changeKey("account", cold.publicKey, { possession: wrong }))).toBe(
      "key-not-proven",
    );
    expect(await codeOf(() => wallet.changeKey("account", bob.keys.accountPublicKey))).toBe("key-unchanged");
    expect(await codeOf(() => wallet.changeKey("node", cold.publicKey))).toBe("account-not-active");
    expect(chain.submitted).toEqual([]);

    const proof = crypto.mldsa65.sign(cold.secretKey, plan.challenge);
    await wallet.changeKey("account", cold.publicKey, { possession: proof });
    await chain.decide(2);
    expect(toHex(chain.state.accounts.get(bob.accountId)!.currentPubkey)).toBe(toHex(cold.publicKey));
    expect(await codeOf(() => wallet.pay({ to: addressOf(miner.accountId), amount: 1n }))).toBe("key-not-held");
    expect(await wallet.balance()).toMatchObject({ total: 5n * MONT, available: 0n });
  });

  test("to a key of another identity takes that one's word, which authorises nothing else", async () => {
    const chain = chainOfBob();
    const [old, next] = [await openWallet(chain, bob), await openWallet(chain, carol)];
    await chain.decide();
    const { request: key } = await next.service.createRequest({});
    const { challenge, warnings } = await old.service.planKeyChange({ role: "account", key });
    expect(warnings.map(({ code }) => code)).toContain("key-leaves-this-identity");
    const { possession } = await next.service.proveKey({ challenge });
    expect(await old.service.changeKey({ role: "account", key, possession })).toMatchObject({ state: "cementing" });
    await chain.decide(2);
    expect(toHex(chain.state.accounts.get(bob.accountId)!.currentPubkey)).toBe(toHex(carol.keys.accountPublicKey));

    expect(await codeOf(() => old.service.proveKey({ challenge }))).toBe("key-not-held");
    const transfer = `02${challenge.slice(2)}`;
    expect(await codeOf(() => next.service.proveKey({ challenge: transfer }))).toBe("challenge-malformed");
  });

  test("is not queued: its proof fits one place in the chain only", async () => {
    const chain = chainOfBob();
    const { wallet } = await openWallet(chain, bob);
    await chain.decide();
    const plan = await wallet.planKeyChange("account", cold.publicKey);
    const proof = crypto.mldsa65.sign(cold.secretKey, plan.challenge);
    await wallet.pay({ to: addressOf(miner.accountId), amount: 1n });
    expect(await codeOf(() => wallet.changeKey("account", cold.publicKey, { possession: proof }))).toBe("account-busy");
    await chain.decide(2);
    expect(await codeOf(() => wallet.changeKey("account", cold.publicKey, { possession: proof }))).toBe(
      "key-not-proven",
    );
  });

  test("to a key that the machine opens, or that signs for another account, says so", async () => {
    const chain = chainOfBob();
    const { wallet } = await openWallet(chain, bob);
    await chain.decide();
    const { warnings } = await wallet.planKeyChange("account", bob.keys.nodePublicKey);
    expect(warnings.map(({ code }) => code)).toEqual(expect.arrayContaining(["key-opened-by-machine", "key-shared"]));
  });
});

describe("the history", () => {
  test("comes in pages that hold every entry once, rewards and what is under way included", async () => {
    const chain = chainWith([miner.keys.accountPublicKey, 100n * MONT], [dave.keys.accountPublicKey, 0n]);
    const { wallet, service, directory, kill } = await openWallet(chain, miner);
    await chain.decide(3);
    const to = addressOf(dave.accountId);
    for (let i = 0; i < 3; i++) await wallet.pay({ to, amount: BigInt(i + 1) });
    await chain.decide(60);
    await wallet.pay({ to, amount: 1000n });
    await wallet.pay({ to, amount: 2000n });

    const whole = (await wallet.history(200)).entries;
    expect(whole.slice(0, 3).map(({ kind, state, amount }) => [kind, state, amount])).toEqual([
      ["transfer", "queued", 2000n],
      ["transfer", "cementing", 1000n],
      ["emission", "settled", 13n * MONT],
    ]);
    expect(whole.filter(({ kind }) => kind === "emission")).toHaveLength(62);
    expect(new Set(whole.map(({ id }) => id)).size).toBe(whole.length);

    for (const limit of [1, 2, 7, 50]) {
      const paged: HistoryEntry[] = [];
      for (let before: string | undefined; ; before = paged.at(-1)!.id) {
        const page = await wallet.history(limit, before);
        expect(page.entries.length).toBeLessThanOrEqual(limit);
        paged.push(...page.entries);
        if (!page.hasMore) break;
      }
      expect(paged).toEqual(whole);
    }

    // A cursor of before a restart is found again.
    kill();
    const again = await openWallet(chain, miner, directory);
    const cursor = whole[40]!.id;
    expect((await again.wallet.history(5, cursor)).entries).toEqual(whole.slice(41, 46));
    expect(await codeOf(() => again.wallet.history(5, "nothing"))).toBe("history-entry-unknown");
    expect((await service.history({ limit: 1 })).entries[0]).toMatchObject({
      window: null,
      direction: "out",
      amount: "2000",
    });
  });

  test("tells each change once, under an id that stays", async () => {
    const chain = chainWith([bob.keys.accountPublicKey, 5n * MONT]);
    const [sender, receiver] = [await openWallet(chain, bob), await openWallet(chain, miner)];
    await chain.decide();
    await sender.wallet.pay({ to: addressOf(miner.accountId), amount: MONT });
    await chain.decide(3);
    const states = sender.told.map(({ id, state }) => [id, state]);
    const id = sender.told[0]!.id;
    expect(states).toEqual(["queued", "signed", "cementing", "confirmed", "settled"].map((state) => [id, state]));
    const { entries } = await sender.wallet.history(1);
    expect(entries[0]).toMatchObject({ id, state: "settled", amount: MONT, direction: "out", window: 2n });
    expect(receiver.told.map(({ id: each, kind, state }) => [each, kind, state])).toEqual([
      [id, "transfer", "confirmed"],
      ["emission-1", "emission", "settled"],
      [id, "transfer", "settled"],
      ["emission-2", "emission", "settled"],
      ["emission-3", "emission", "settled"],
    ]);
  });
});

describe("an anchor", () => {
  const appId = appIdOf(crypto, "montana-notary");
  const dataHash = crypto.sha256(new TextEncoder().encode("the document"));
  const anchor = { appId: toHex(appId), dataHash: toHex(dataHash) };

  async function written() {
    const chain = chainWith([bob.keys.accountPublicKey, 0n]);
    const opened = await openWallet(chain, bob);
    await chain.decide();
    const operation = await opened.service.writeAnchor(anchor);
    await chain.decide(2);
    return { chain, ...opened, operation };
  }

  test("is found with the proof of its window, which another node verifies", async () => {
    const { chain, service, operation } = await written();
    const { anchors } = await service.readAnchors({ appId: anchor.appId, limit: 50 });
    expect(anchors).toMatchObject([{ ...anchor, opHash: operation.opHash, sender: toHex(bob.accountId), window: 2 }]);
    const reader = await openWallet(chain, carol);
    expect(await reader.service.verifyAnchor({ proof: anchors[0]!.proof! })).toEqual({
      ...anchor,
      opHash: operation.opHash,
      sender: toHex(bob.accountId),
      window: 1,
      isValid: true,
      reason: null,
    });
    const other = toHex(crypto.sha256(Uint8Array.of(1)));
    expect((await service.readAnchors({ appId: anchor.appId, dataHash: other, limit: 50 })).anchors).toEqual([]);
    expect((await service.readAnchors({ appId: other, limit: 50 })).anchors).toEqual([]);
  });

  test("keeps its proof when nodes have forgotten what it was made of; a damaged one is none", async () => {
    const { chain, service, directory, operation } = await written();
    chain.anchorMaterial = () => Promise.resolve(undefined);
    const found = async () => (await service.readAnchors({ appId: anchor.appId, limit: 1 })).anchors[0]!.proof;
    expect((await found()) === null).toBe(false);
    const folder = join(directory, "anchors");
    expect(await readdir(folder)).toEqual([`${operation.opHash}.proof`]);
    const path = join(folder, `${operation.opHash}.proof`);
    const bytes = Uint8Array.from(await readFile(path));
    await writeFile(path, bytes.with(8000, bytes[8000]! ^ 1));
    expect((await found()) === null).toBe(true);
  });

  test("is collected later when it could not be at once", async () => {
    const chain = chainWith([bob.keys.accountPublicKey, 0n]);
    const { service, directory } = await openWallet(chain, bob);
    const real = chain.anchorMaterial.bind(chain);
    chain.anchorMaterial = () => Promise.resolve(undefined);
    await chain.decide();
    await service.writeAnchor(anchor);
    await chain.decide(2);
    expect(await readdir(join(directory, "anchors"))).toEqual([]);
    chain.anchorMaterial = real;
    await chain.decide();
    expect(await readdir(join(directory, "anchors"))).toHaveLength(1);
  });

  test("has a proof in which no byte can be changed but those of the signatures of headers, whose identity has none", async () => {
    const { service, chain } = await written();
    const { anchors } = await service.readAnchors({ appId: anchor.appId, limit: 1 });
    const proof = fromHex(anchors[0]!.proof!)!;
    const verdict = async (bytes: Uint8Array): Promise<string | null> => {
      try {
        return (await service.verifyAnchor({ proof: toHex(bytes) })).reason;
      } catch (error) {
        return (error as ProtocolError).code;
      }
    };
    expect(await verdict(proof)).toBeNull();
    const before = 5;
    const header = before + 3722;
    const sender = header + 3722;
    const nodes = sender + 2 + 70 + 2059 + 32 * ((decodeAnchorProof(proof).senderProof.length - 70 - 2059) / 32);
    const anchorAt = nodes + 2 + 2098;
    const cases: [number, string][] = [
      [0, "proof-unreadable"],
      [4, "proof-unreadable"],
      [before, "header-of-another-chain"],
      [header + 204, "header-of-another-chain"],
      [sender + 2, "sender-not-proven"],
      [sender + 2 + 36 + 95, "sender-not-proven"],
      [nodes + 2 + 100, "nodes-not-proven"],
      [anchorAt + 97, "signature-invalid"],
      [anchorAt + 200, "signature-invalid"],
      [proof.length - 1, "quorum-missing"],
    ];
    for (const [at, reason] of cases) expect([at, await verdict(proof.with(at, proof[at]! ^ 1))]).toEqual([at, reason]);
    const isHeaderSignature = (at: number): boolean => at >= before && at < sender && (at - before) % 3722 >= 413;
    for (let at = 0; at < proof.length; at += 97) {
      if (isHeaderSignature(at)) continue;
      expect([at, await verdict(proof.with(at, proof[at]! ^ 0x40))]).not.toEqual([at, null]);
    }
    for (const length of [0, 10, 5000, proof.length - 1]) {
      expect(await verdict(proof.subarray(0, length))).toBe("proof-unreadable");
    }
    chain.header = () => Promise.resolve(undefined);
    expect(await verdict(proof)).toBe("header-unknown");
  });
});

test("what the API is given can be written as JSON and holds no key", async () => {
  const chain = chainWith([bob.keys.accountPublicKey, 5n * MONT]);
  const { service } = await openWallet(chain, bob);
  await chain.decide();
  await service.send({ to: addressOf(miner.accountId), amount: "1" });
  const text = JSON.stringify([await service.balance(), await service.history({ limit: 10 })]);
  expect(text).not.toContain(toHex(bob.keys.accountPublicKey).slice(0, 64));
});
