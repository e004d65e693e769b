/**
 * A chain of one node behind the wallet's ports, on the real pool and the real transition: the bundles of a window list what
 * the pool holds, the proposal of the next window settles it. People with keys from a seed.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

import { OperationPool } from "../consensus/pools/operations.ts";
import { loadCrypto } from "../native/index.ts";
import { byteKey, compareBytes, ZERO_HASH, type AccountId, type Hash32 } from "../protocol/bytes.ts";
import { listableOperations } from "../protocol/accounts/bundleRules.ts";
import { validateOperation } from "../protocol/accounts/validate.ts";
import { encode, u64 } from "../protocol/codec/codec.ts";
import type { PublicKey, SecretKey, Signature } from "../protocol/crypto.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { MONTANA_PARAMS } from "../protocol/genesis/montana.ts";
import { rulesOf, type NetworkRules } from "../protocol/genesis/rules.ts";
import { genesisRecords, unusedAccount } from "../protocol/genesis/state.ts";
import { accountIdOf, nodeIdOf } from "../protocol/identity/ids.ts";
import { encodeProof, prove } from "../protocol/merkle/proof.ts";
import {
  bundledConfirmation,
  proposalHeader,
  type BundledConfirmation,
  type ProposalHeader,
} from "../protocol/objects/consensus.ts";
import {
  decodeOperation,
  operation as operationClass,
  TYPE_ANCHOR,
  TYPE_CHANGE_KEY,
  TYPE_CREATE,
  TYPE_TRANSFER,
  type Operation,
} from "../protocol/objects/operations.ts";
import { MemoryState } from "../protocol/state/memory.ts";
import { accountRecord, type AccountRecord, type NodeRecord } from "../protocol/state/records.ts";
import { emptyTrees, updateTrees } from "../protocol/state/roots.ts";
import { StateDraft } from "../protocol/state/table.ts";
import { genesisEpoch } from "../protocol/transition/adaptEpoch.ts";
import { applyWindow, type Settled, type WindowEvents } from "../protocol/transition/applyWindow.ts";
import type { AccountSigner } from "../keystore/signers.ts";
import type {
  AnchorMaterial,
  AnchorPlace,
  HistoryLine,
  OpenedSigners,
  PersonKeys,
  SettledAccounts,
  Submission,
  WalletChain,
  WalletNode,
  WindowDecided,
} from "./ports.ts";

export const { crypto } = loadCrypto();
export const NETWORK_ID = crypto.sha256(new TextEncoder().encode("wallet tests"));
export const TAU2 = 40n;
const PLACES_PER_WINDOW = 2 ** 20;

const made: string[] = [];
afterAll(async () => {
  for (const directory of made) await rm(directory, { recursive: true, force: true });
});

export async function freshDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "montana-wallet-"));
  made.push(directory);
  return join(directory, "wallet");
}

export interface KeyPair {
  readonly publicKey: PublicKey;
  readonly secretKey: SecretKey;
}

export const keyPair = (seed: number): KeyPair => crypto.mldsa65.generate(new Uint8Array(32).fill(seed));

/** Somebody with the keys of an identity, open or locked. */
export class TestPerson {
  readonly keys: PersonKeys;
  readonly accountId: AccountId;
  readonly nodeAccountId: AccountId;
  readonly nodePair: KeyPair;
  isLocked = false;
  readonly #signers: OpenedSigners;

  constructor(seed: number) {
    const [account, node] = [keyPair(2 * seed), keyPair(2 * seed + 1)];
    this.keys = { accountPublicKey: account.publicKey, nodePublicKey: node.publicKey };
    this.accountId = accountIdOf(crypto, 1, account.publicKey);
    this.nodeAccountId = accountIdOf(crypto, 1, node.publicKey);
    this.nodePair = node;
    const signer = ({ publicKey, secretKey }: KeyPair): AccountSigner => ({
      accountId: accountIdOf(crypto, 1, publicKey),
      publicKey,
      signScope: (scope): Signature => {
        if (this.isLocked) throw new ProtocolError("account-locked");
        return crypto.mldsa65.sign(secretKey, scope);
      },
    });
    this.#signers = { account: signer(account), nodeAccount: signer(node) };
  }

  readonly signers = (): OpenedSigners | undefined => (this.isLocked ? undefined : this.#signers);
}

/** What the chain tells, as the host passes it on to a wallet. */
export interface ChainListener {
  windowDecided(event: WindowDecided): Promise<void>;
  operationConfirmed(operation: Operation, window: bigint): Promise<void>;
  operationSeen(operation: Operation, window: bigint): Promise<void>;
}

export interface DecideOptions {
  /** False: the node lists nothing, as if no quorum could be had. */
  readonly hasQuorum?: boolean;
  readonly isLive?: boolean;
  /** Cemented by nodes that know of no conflict, whatever the own node lists. */
  readonly alsoCemented?: readonly Operation[];
}

interface PastWindow {
  readonly header: ProposalHeader;
  readonly nodesBefore: readonly NodeRecord[];
  readonly settledBefore: Settled;
  readonly accountsBefore: ReadonlyMap<string, AccountRecord>;
  readonly bundle: BundledConfirmation;
}

export class TestChain implements WalletChain, WalletNode {
  readonly rules: NetworkRules = {
    // Balances that the tests start with are not from emission.
    ...rulesOf({ ...MONTANA_PARAMS, tau2Windows: TAU2 }, "spec"),
    tau2Maintenance: false,
  };
  readonly state = new MemoryState();
  /** Everything that was given to the node, in order. */
  readonly submitted: Operation[] = [];
  readonly listeners = new Set<ChainListener>();
  isNodeAvailable = true;
  #settled: Settled;
  #height = 0n;
  #pool = new OperationPool();
  #listed: readonly Operation[] = [];
  readonly #operator: TestPerson;
  readonly #lines = new Map<string, HistoryLine[]>();
  readonly #archive = new Map<string, Operation>();
  readonly #past = new Map<bigint, PastWindow>();

  /** `operator` runs the only node; `balances` are accounts that are there from the start, by their first keys. */
  constructor(operator: TestPerson, balances: readonly (readonly [PublicKey, bigint])[] = []) {
    this.#operator = operator;
    const params = {
      ...this.rules.params,
      bootstrapAccountPubkey: operator.keys.accountPublicKey,
      bootstrapNodePubkey: operator.keys.nodePublicKey,
    };
    const genesis = genesisRecords(crypto, params, "spec");
    const draft = new StateDraft(this.state);
    for (const record of genesis.accounts) draft.accounts.put(record);
    for (const record of genesis.nodes) draft.nodes.put(record);
    for (const [key, balance] of balances) {
      const id = accountIdOf(crypto, 1, key);
      draft.accounts.put({ ...(draft.accounts.get(id) ?? unusedAccount(crypto, key)), balance });
    }
    this.state.apply(draft.changes());
    const trees = updateTrees(crypto, emptyTrees(crypto), draft.changes());
    this.#settled = { state: this.state, trees, epoch: genesisEpoch(this.rules) };
  }

  /** The last decided window. */
  get window(): bigint | undefined {
    return this.#height === 0n ? undefined : this.#height - 1n;
  }

  balanceOf(id: AccountId): bigint | undefined {
    return this.state.accounts.get(id)?.balance;
  }

  /** The node forgets what it holds, as after a restart. */
  dropPool(): void {
    this.#pool = new OperationPool();
  }

  async decide(windows = 1, options: DecideOptions = {}): Promise<void> {
    for (let i = 0; i < windows; i++) await this.#decideOne(options);
  }

  accounts(ids: readonly AccountId[]): Promise<SettledAccounts> {
    return Promise.resolve({ window: this.window, records: ids.map((id) => this.state.accounts.get(id)) });
  }

  history(subject: Hash32, count: number, cursor = Number.MAX_SAFE_INTEGER): Promise<readonly HistoryLine[]> {
    const lines = this.#lines.get(byteKey(subject)) ?? [];
    return Promise.resolve(
      lines
        .filter((line) => line.cursor < cursor)
        .toSorted((a, b) => b.cursor - a.cursor)
        .slice(0, count),
    );
  }

  operation(opHash: Hash32): Promise<Operation | undefined> {
    return Promise.resolve(this.#archive.get(byteKey(opHash)));
  }

  header(window: bigint): Promise<ProposalHeader | undefined> {
    return Promise.resolve(this.#past.get(window)?.header);
  }

  anchorMaterial({ sender, window }: AnchorPlace): Promise<AnchorMaterial | undefined> {
    const [before, past] = [this.#past.get(window - 1n), this.#past.get(window)];
    if (before === undefined || past === undefined) return Promise.resolve(undefined);
    const record = past.accountsBefore.get(byteKey(sender))!;
    return Promise.resolve({
      headerBefore: before.header,
      header: past.header,
      senderProof: encodeProof(prove(past.settledBefore.trees.accounts, sender, encode(accountRecord, record))),
      nodes: past.nodesBefore,
      bundles: [past.bundle],
    });
  }

  async submit(operation: Operation): Promise<Submission> {
    if (!this.isNodeAvailable) return { verdict: "unavailable" };
    const known = decodeOperation(operationClass.encode(operation));
    this.submitted.push(known);
    const failure = validateOperation(crypto, known, this.state.accounts, this.#height, TAU2);
    if (failure !== undefined) return { verdict: "refused", failure };
    await this.gossip(known);
    return { verdict: "accepted" };
  }

  /** As if another node had sent it. */
  async gossip(operation: Operation): Promise<void> {
    const opHash = operationClass.identify(crypto, operation);
    this.#pool.offer({ operation, opHash }, this.#height, 1n);
    for (const listener of this.listeners) {
      // A wallet is in the middle of its own submission: it must not wait for itself.
      void listener.operationSeen(operation, this.window ?? 0n);
    }
    await Promise.resolve();
  }

  async #decideOne({ hasQuorum = true, isLive = true, alsoCemented = [] }: DecideOptions): Promise<void> {
    const window = this.#height;
    const cemented = this.#listed;
    const accountsBefore = new Map(Array.from(this.state.accounts.rows(), (row) => [byteKey(row.accountId), row]));
    const settledBefore = this.#settled;
    const nodesBefore = [...this.state.nodes.rows()];
    const awaiting = new Set(cemented.map((op) => byteKey(operationClass.identify(crypto, op))));
    const listed = !hasQuorum
      ? []
      : listableOperations(crypto, this.#pool.gathered(), {
          window,
          tau2Windows: TAU2,
          accounts: this.state.accounts,
          attestations: this.#pool.attestations,
          isAwaitingSettlement: (opHash) => awaiting.has(byteKey(opHash)),
        });
    for (const operation of alsoCemented) {
      const opHash = operationClass.identify(crypto, operation);
      if (!listed.some((each) => byteKey(each.opHash) === byteKey(opHash))) listed.push({ operation, opHash });
    }
    this.#pool.attestations.record(listed, window);
    const timechainValue = crypto.sha256(encode(u64, window));
    const nodeId = nodeIdOf(crypto, this.#operator.keys.nodePublicKey);
    const bundle = bundledConfirmation.sign(crypto, this.#operator.nodePair.secretKey, {
      nodeId,
      endpoint: timechainValue,
      windowIndex: window,
      opHashes: listed.map(({ opHash }) => opHash).sort(compareBytes),
      revealHashes: [],
    });

    const result = applyWindow(crypto, this.rules, this.#settled, {
      window,
      timechainValue,
      aggregate: ZERO_HASH,
      bundleSigners: [nodeId],
      operations: cemented.map((operation) => ({ operation })),
      registrations: [],
      winnerId: nodeId,
      participationPermille: 1000,
      includedReveals: 0,
    });
    this.state.apply(result.changes);
    this.#settled = { state: this.state, trees: result.trees, epoch: result.epoch };
    const blank = proposalHeader.decode(new Uint8Array(3722));
    const header = { ...blank, windowIndex: window, timechainValue, ...result.roots };
    this.#past.set(window, { header, nodesBefore, settledBefore, accountsBefore, bundle });
    this.#writeHistory(window, cemented, result.events);
    this.#pool.close(result.events.settled, window);
    this.#listed = listed.map(({ operation }) => operation);
    this.#height += 1n;

    const { skipped } = result.events;
    for (const listener of [...this.listeners]) {
      for (const { operation } of listed) await listener.operationConfirmed(operation, window);
      await listener.windowDecided({ window, isLive, skipped });
    }
  }

  #writeHistory(window: bigint, operations: readonly Operation[], events: WindowEvents): void {
    let place = 0;
    const put = (subject: Uint8Array, line: Omit<HistoryLine, "window" | "cursor">): void => {
      const key = byteKey(subject);
      const cursor = Number(window) * PLACES_PER_WINDOW + place++;
      this.#lines.set(key, [...(this.#lines.get(key) ?? []), { ...line, window, cursor }]);
    };
    const byHash = new Map(operations.map((op) => [byteKey(operationClass.identify(crypto, op)), op]));
    for (const opHash of events.settled) {
      const op = byHash.get(byteKey(opHash))!;
      this.#archive.set(byteKey(opHash), op);
      const { sender } = op;
      switch (op.type) {
        case TYPE_TRANSFER:
          put(sender, { kind: "sent", opHash, counterparty: op.link, amount: op.amount });
          put(op.link, { kind: "received", opHash, counterparty: sender, amount: op.amount });
          break;
        case TYPE_CREATE:
          put(sender, { kind: "created", opHash, counterparty: op.receiver, amount: op.amount });
          put(op.receiver, { kind: "activated", opHash, counterparty: sender, amount: op.amount });
          break;
        case TYPE_CHANGE_KEY:
          put(sender, { kind: "key-changed", opHash, counterparty: ZERO_HASH, amount: 0n });
          break;
        case TYPE_ANCHOR:
          put(sender, { kind: "anchored", opHash, counterparty: op.appId, amount: 0n });
          put(op.appId, { kind: "anchored", opHash, counterparty: sender, amount: 0n });
          break;
      }
    }
    if (events.rewarded !== undefined) {
      const amount = this.rules.params.emissionMoneta;
      put(events.rewarded, { kind: "reward", opHash: ZERO_HASH, counterparty: ZERO_HASH, amount });
    }
  }
}
