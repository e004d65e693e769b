/**
 * Puts a snapshot together from parts that peers send, in the state worker: every part is held against the roots of a header
 * before it counts, so that whoever sent a wrong one is known at once (chapter 02 §4.11, §4.12). What counts is staged on the
 * disk; a joiner that was killed goes on from there.
 */
import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers/promises";

import { verifyCertificate } from "../../consensus/certificate.ts";
import { checkBodyRoots } from "../../consensus/validation/body.ts";
import type { Native } from "../../native/interface.ts";
import { byteKey, concatBytes, equalBytes, type Hash32 } from "../../protocol/bytes.ts";
import { decode, encode, list, u64 } from "../../protocol/codec/codec.ts";
import type { VerifyJob } from "../../protocol/crypto.ts";
import { invariant, ProtocolError } from "../../protocol/errors.ts";
import {
  decodeChunk,
  RECORD_SIZES,
  TABLE_ACCOUNTS,
  TABLE_CANDIDATES,
  TABLE_PROPOSALS,
} from "../../protocol/fastsync/codec.ts";
import { readReply, splitRecords } from "../../protocol/fastsync/reply.ts";
import {
  changedPrefixes,
  findPrefixFault,
  readAccountsPart,
  readManifestChunk,
} from "../../protocol/fastsync/subtreeManifest.ts";
import { nodeIdOf } from "../../protocol/identity/ids.ts";
import type { NetworkRules } from "../../protocol/genesis/rules.ts";
import { leafHashes } from "../../protocol/merkle/hashing.ts";
import { prefixOf } from "../../protocol/merkle/order.ts";
import { foldSubtreeRoots, type SubtreeDepths } from "../../protocol/merkle/subtrees.ts";
import { SparseMerkleTree } from "../../protocol/merkle/tree.ts";
import {
  proposalBody,
  proposalHeader,
  proposalVote,
  type ProposalBody,
  type ProposalHeader,
} from "../../protocol/objects/consensus.ts";
import { weightsAt } from "../../protocol/quorum/weights.ts";
import {
  accountRecord,
  candidateRecord,
  nodeRecord,
  type AccountRecord,
  type CandidateRecord,
  type NodeRecord,
} from "../../protocol/state/records.ts";
import {
  findAccountFault,
  findCandidateFault,
  findNodeFault,
  findStateFault,
} from "../../protocol/state/snapshotChecks.ts";
import { StoreBuilder, type NewBody } from "../store/builder.ts";
import type { StoreOptions } from "../store/store.ts";
import type { Progress } from "../store/tables.ts";
import { verifySample } from "../vdf/verifyHistory.ts";
import { HeaderChain, StagedChainDiffers } from "./headerChain.ts";
import { writeJoined } from "./joined.ts";
import { firstBodyOf, rebuildEpoch } from "./nodeHistory.ts";
import { Staging } from "./staging.ts";
import { findTimeHistory, TimeHistory } from "./timeHistory.ts";

/** Headers of another protocol version are beyond this program. */
const PROTOCOL_VERSION_MAX = 1;
/** Records that are decoded and written at a time. */
const ROWS_PER_STEP = 1024;
const SIGNATURES_PER_STEP = 128;
/** Windows whose step is recomputed before a snapshot is believed; the background does the others. */
const SAMPLE_SIZE = 32;
const DS_MAX = 100_000;

const timeValues = list(u64);

export interface AssemblyOptions {
  /** Of the network: what comes is staged beside the store. */
  readonly directory: string;
  /** The store that is to be made. */
  readonly store: StoreOptions;
  readonly rules: NetworkRules;
  readonly networkId: Hash32;
  readonly crypto: Native;
  readonly genesisStateRoot: Hash32;
  /** The last window that this node has decided itself, and the hash of its header. */
  readonly decided: { readonly window: bigint; readonly hash: Hash32 } | undefined;
}

/** What a snapshot is of, and why it may be believed: a header, the next one, and the certificate of the latter. */
export interface JoinTarget {
  readonly header: Uint8Array;
  readonly next: Uint8Array;
  readonly certificate: readonly Uint8Array[];
}

/** Which parts are still wanted; all else is staged and verified. */
export interface JoinPlan {
  /** Numbers in the table of headers, in the order in which they are to be given. */
  readonly headerChunks: readonly number[];
  readonly tables: boolean;
  readonly manifest: boolean;
  /** Known once the manifest is there. */
  readonly prefixes: readonly number[];
  readonly prefixesTotal: number;
  readonly time: boolean;
  readonly bodies: readonly bigint[];
  /** Chunks of the whole snapshot, where that is known. */
  readonly totalChunks: number | undefined;
}

export interface TablesGiven {
  readonly fault?: string;
  readonly isComplete: boolean;
}

export interface ManifestGiven extends TablesGiven {
  readonly totalChunks: number;
}

export interface BodiesGiven {
  readonly fault?: string;
  /** Whose bodies are right. */
  readonly windows: readonly bigint[];
}

export class Assembly {
  readonly #options: AssemblyOptions;
  readonly #staging: Staging;
  #target: { readonly header: ProposalHeader; readonly next: ProposalHeader; readonly source: JoinTarget } | undefined;
  #chain: HeaderChain | undefined;
  #tables: TableParts | undefined;
  #manifest: readonly Hash32[] | undefined;
  #manifestParts: { readonly totalChunks: number; readonly roots: Hash32[] } | undefined;
  #time: TimeHistory | undefined;
  #isCertified = false;

  constructor(options: AssemblyOptions) {
    this.#options = options;
    this.#staging = new Staging(options.directory, options.networkId);
  }

  /**
   * Aims at an anchor; what an earlier run or an earlier anchor has verified is kept where it still holds. Nothing is believed
   * of the target yet but what {@link certify} finds right.
   */
  aim(source: JoinTarget): JoinPlan {
    const header = proposalHeader.decode(source.header);
    const next = proposalHeader.decode(source.next);
    const earlier = this.#staging.read("anchor", 0);
    const isSame = earlier !== undefined && equalBytes(earlier, source.header);
    this.#target = { header, next, source };
    this.#isCertified = false;
    this.#manifestParts = undefined;
    try {
      this.#chain = this.#newChain(header);
    } catch (error) {
      if (!(error instanceof StagedChainDiffers)) throw error;
      this.#staging.clear();
      this.#chain = this.#newChain(header);
    }
    const anchor = header.windowIndex;
    if (!isSame || !this.#staging.has("anchor", 0)) this.#staging.append("anchor", anchor, 0, source.header);
    this.#tables = TableParts.fromStaged(this.#options, header, this.#staging);
    this.#manifest = this.#readManifest(anchor);
    this.#time = this.#readTime(anchor);
    return this.plan();
  }

  plan(): JoinPlan {
    const { header } = this.#aimed;
    const anchor = header.windowIndex;
    const prefixesTotal = this.#manifest === undefined ? 0 : 2 ** depthsOf(this.#manifest).prefix;
    const done = new Set(this.#staging.indexes("accounts", anchor));
    const prefixes: number[] = [];
    for (let prefix = 0; prefix < prefixesTotal; prefix++) if (!done.has(prefix)) prefixes.push(prefix);
    const bodies: bigint[] = [];
    const { tau2Windows } = this.#options.rules.params;
    for (let window = firstBodyOf(anchor, tau2Windows); window <= anchor; window++) {
      if (!this.#staging.has("body", Number(window))) bodies.push(window);
    }
    const probe = this.#staging.has("probe", 0, anchor) ? this.#staging.read("probe", 0) : undefined;
    return {
      headerChunks: this.#chain!.wanted(),
      tables: !this.#tables!.isComplete,
      manifest: this.#manifest === undefined,
      prefixes,
      prefixesTotal,
      time: this.#time === undefined,
      bodies,
      totalChunks: probe === undefined ? undefined : decodeChunk(probe).totalChunks,
    };
  }

  /** Chunk 0, which tells how many there are; its accounts count once the manifest is there. */
  takeProbe(payload: Uint8Array): string | undefined {
    const { value: chunk, fault } = readReply(payload, 0, ({ tableId }) => RECORD_SIZES[tableId]);
    if (fault !== undefined) return fault;
    if (chunk.tableId !== TABLE_ACCOUNTS || chunk.recordCount === 0) return "wrong-table";
    this.#staging.append("probe", this.#anchor, 0, payload);
    return undefined;
  }

  /** Chunk `chunk` of the table of headers, the first that the plan wants; `index` is what was asked for. */
  takeHeaders(chunk: number, index: number, payload: Uint8Array): string | undefined {
    const reply = readReply(payload, index, ({ tableId }) =>
      tableId === TABLE_PROPOSALS ? RECORD_SIZES[tableId] : undefined,
    );
    return reply.fault ?? this.#chain!.take(chunk, reply.value.records);
  }

  /**
   * Is another header that a peer shows for the window after the anchor certified, too? Two certificates of one window cannot
   * be while less than 34 % of the weight is faulty (chapter 03 §6.10): then nobody goes on by itself.
   */
  isCertified(next: Uint8Array, certificate: readonly Uint8Array[]): boolean {
    const { crypto, rules } = this.#options;
    const header = proposalHeader.decode(next);
    if (header.windowIndex !== this.#anchor + 1n) return false;
    const hash = proposalHeader.identify(crypto, header);
    return checkCertificate(crypto, rules, this.#tables!.nodes, header.windowIndex, hash, certificate) === undefined;
  }

  /** Forgets the chunks of {@link takeTables}: the next ones come from another peer. */
  restartTables(): void {
    this.#tables = new TableParts(this.#options, this.#aimed.header);
  }

  /** Chunks of Candidate Pool and Node Table, the last one first, all from one peer; whole, they must fold to the roots. */
  takeTables(index: number, payload: Uint8Array): TablesGiven {
    const reply = readReply(payload, index, ({ tableId }) =>
      tableId === TABLE_ACCOUNTS || tableId === TABLE_PROPOSALS ? undefined : RECORD_SIZES[tableId],
    );
    if (reply.fault !== undefined) return { fault: reply.fault, isComplete: false };
    const fault = this.#tables!.take(payload);
    if (fault !== undefined) return { fault, isComplete: false };
    if (this.#tables!.isComplete) this.#tables!.stage(this.#staging);
    return { isComplete: this.#tables!.isComplete };
  }

  /**
   * With headers and Node Table there: is the header after the anchor certified by the nodes that the anchor commits to, and
   * did the rightful keys sign the headers below? The first failing check. Throws `two-certificates` where all of that holds
   * and yet this node has decided another chain.
   */
  async certify(onProgress: (progress: Progress) => void, signal: AbortSignal): Promise<string | undefined> {
    const { crypto, rules } = this.#options;
    const { header, next, source } = this.#aimed;
    const window = next.windowIndex;
    if (window !== header.windowIndex + 1n) return "window-not-monotone";
    const hash = proposalHeader.identify(crypto, next);
    if (!equalBytes(next.prevProposalHash, proposalHeader.identify(crypto, header))) return "wrong-parent";
    if (next.protocolVersion > PROTOCOL_VERSION_MAX) {
      throw new ProtocolError("protocol-version-unsupported", { version: next.protocolVersion });
    }
    const failure = checkCertificate(crypto, rules, this.#tables!.nodes, window, hash, source.certificate);
    if (failure !== undefined) return failure;
    const { bootstrapNodePubkey } = rules.params;
    const bootstrap = nodeIdOf(crypto, bootstrapNodePubkey);
    const keys = new Map(this.#tables!.nodes.map((node) => [byteKey(node.nodeId), node.nodePubkey]));
    keys.set(byteKey(bootstrap), bootstrapNodePubkey);
    if (!equalBytes(this.#chain!.header(0n).proposerNodeId, bootstrap)) return "proposer-not-canonical";
    let jobs: VerifyJob[] = [];
    const verify = (): boolean => {
      const verdicts = crypto.mldsa65.verifyBatch(jobs);
      jobs = [];
      return verdicts.every(Boolean);
    };
    for (const headers of this.#chain!.all()) {
      for (const each of headers) {
        const publicKey = keys.get(byteKey(each.proposerNodeId));
        // One that has been removed since: its key is in no table any more.
        if (publicKey === undefined) continue;
        jobs.push({ publicKey, message: proposalHeader.scope(each), signature: each.signature });
        if (jobs.length < SIGNATURES_PER_STEP) continue;
        if (!verify()) return "invalid-signature";
        await setImmediate();
        if (signal.aborted) throw new ProtocolError("cancelled");
      }
      onProgress({ step: "headers", done: Number(headers.at(-1)!.windowIndex), total: Number(header.windowIndex) });
    }
    if (!verify()) return "invalid-signature";
    const { decided } = this.#options;
    if (decided !== undefined && decided.window <= header.windowIndex) {
      const hashThere = proposalHeader.identify(crypto, this.#chain!.header(decided.window));
      if (!equalBytes(hashThere, decided.hash)) throw new ProtocolError("two-certificates", { window: decided.window });
    }
    this.#isCertified = true;
    return undefined;
  }

  /** D of every epoch, and a sample of the TimeChain below the anchor. The first failing check. */
  async sampleTime(onProgress: (progress: Progress) => void, signal: AbortSignal): Promise<string | undefined> {
    const { crypto, rules } = this.#options;
    const { header, next } = this.#aimed;
    const value = (window: bigint): Hash32 =>
      window > header.windowIndex ? next.timechainValue : this.#chain!.header(window).timechainValue;
    const history = await findTimeHistory(crypto, rules, next.windowIndex, value, signal);
    if (history === undefined) return "wrong-timechain-value";
    const mismatch = await verifySample(crypto, {
      ...{ from: 0n, through: next.windowIndex, threads: Math.max(1, availableParallelism() - 1) },
      ...{ sampleSize: SAMPLE_SIZE, signal },
      read: (window) => ({ value: value(window), d: window === 0n ? 0n : history.dOfStepTo(window) }),
      onProgress: ({ windowsDone, windowsTotal }) => {
        onProgress({ step: "timechain", done: Number(windowsDone), total: Number(windowsTotal) });
      },
    });
    if (mismatch !== undefined) return "wrong-timechain-value";
    invariant(history.values.length <= DS_MAX, "an epoch is two weeks");
    this.#staging.append("time", header.windowIndex, 0, encode(timeValues, history.values));
    this.#time = history;
    return undefined;
  }

  /** Chunks 0, 1, … of the manifest, all from one peer. `isComplete` once it folds to the account root. */
  takeManifest(index: number, payload: Uint8Array): ManifestGiven {
    const reply = readManifestChunk(payload, index);
    if (reply.fault !== undefined) return { fault: reply.fault, totalChunks: 0, isComplete: false };
    const { totalChunks, roots } = reply.value;
    if (index === 0) this.#manifestParts = { totalChunks, roots: [] };
    const parts = this.#manifestParts;
    if (parts?.totalChunks !== totalChunks) return { fault: "wrong-total-chunks", totalChunks, isComplete: false };
    for (const root of roots) parts.roots.push(root);
    if (index + 1 < totalChunks) return { totalChunks, isComplete: false };
    this.#manifestParts = undefined;
    const { crypto } = this.#options;
    if (!equalBytes(foldSubtreeRoots(crypto, parts.roots), this.#aimed.header.accountRoot)) {
      return { fault: "account-root-mismatch", totalChunks, isComplete: false };
    }
    this.#keepUnchanged(parts.roots);
    this.#stageManifest(parts.roots);
    this.#manifest = parts.roots;
    this.#takeProbedAccounts();
    return { totalChunks, isComplete: true };
  }

  /** All parts of the accounts under one prefix, from one peer. */
  takeAccounts(prefix: number, payloads: readonly Uint8Array[]): string | undefined {
    const accounts: AccountRecord[] = [];
    for (const [part, payload] of payloads.entries()) {
      const reply = readAccountsPart(payload, part);
      if (reply.fault !== undefined) return reply.fault;
      if (reply.value.totalChunks !== payloads.length) return "wrong-total-chunks";
      accounts.push(...reply.value.accounts);
    }
    return this.#keepAccounts(prefix, accounts);
  }

  /** Bodies of windows that the plan wants; the others' are not looked at. Which of them are right. */
  takeBodies(bodies: readonly Uint8Array[]): BodiesGiven {
    const { crypto } = this.#options;
    const windows: bigint[] = [];
    for (const bytes of bodies) {
      const body = tryDecodeBody(bytes);
      if (body === undefined || body.windowIndex > this.#anchor) return { fault: "malformed-body", windows };
      const header = this.#chain!.header(body.windowIndex);
      if (!equalBytes(body.proposalHash, proposalHeader.identify(crypto, header))) {
        return { fault: "malformed-body", windows };
      }
      const fault = checkBodyRoots(crypto, header, body);
      if (fault !== undefined) return { fault, windows };
      if (!this.#staging.has("body", Number(body.windowIndex))) {
        this.#staging.append("body", this.#anchor, Number(body.windowIndex), bytes);
      }
      windows.push(body.windowIndex);
    }
    return { windows };
  }

  /** Hashes of the proposals of these windows: what their bodies are asked for by. */
  proposalHashes(windows: readonly bigint[]): Hash32[] {
    return windows.map((window) => proposalHeader.identify(this.#options.crypto, this.#chain!.header(window)));
  }

  /**
   * With everything there: builds the store beside its place, folds its roots once more, and puts it in place. Throws
   * `snapshot-breaks-rules` where the network itself has left its rules (chapter 02 §5.2).
   */
  *install(): Generator<Progress> {
    const { directory, store, rules, crypto, decided } = this.#options;
    const { header } = this.#aimed;
    const anchor = header.windowIndex;
    const plan = this.plan();
    const isWhole =
      this.#isCertified && plan.headerChunks.length === 0 && plan.prefixes.length === 0 && plan.bodies.length === 0;
    const time = this.#time;
    invariant(isWhole && !plan.tables && !plan.manifest && time !== undefined, "the snapshot is whole");
    const nodes = this.#tables!.nodes;
    const bodies = this.#stagedBodies();
    const { epoch, past } = rebuildEpoch({
      ...{ rules, anchor, nodes, bodies: bodies.map(({ body }) => body) },
      ...{ d: time.dOfStepTo(anchor + 1n), target: header.target },
    });
    const builder = new StoreBuilder({ ...store, replace: true });
    let isDone = false;
    try {
      builder.addRows({ nodes, candidates: this.#tables!.candidates });
      yield* this.#addAccounts(builder, plan.prefixesTotal);
      const fault = findStateFault(rules, builder.state, anchor);
      if (fault !== undefined) throw new ProtocolError("snapshot-breaks-rules", { window: anchor, fault });
      for (const headers of this.#chain!.all()) {
        builder.addHeaders(headers);
        builder.addTimes(
          headers.map(({ windowIndex, timechainValue }) => ({
            ...{ window: windowIndex, timechainValue, d: time.dOfStepTo(windowIndex + 1n) },
          })),
        );
        yield { step: "headers", done: Number(headers.at(-1)!.windowIndex), total: Number(anchor) };
      }
      builder.addBodies(bodies);
      // What people did here before stays to be seen; the snapshot knows no past.
      if (decided !== undefined) builder.copyHistory(store.directory);
      writeJoined(directory, { through: anchor, hash: proposalHeader.identify(crypto, header) }, (window) =>
        window <= anchor ? proposalHeader.identify(crypto, this.#chain!.header(window)) : undefined,
      );
      yield* builder.finish(anchor + 1n, epoch, past);
      isDone = true;
    } finally {
      if (!isDone) builder.discard();
    }
  }

  close(): void {
    this.#staging.close();
  }

  get #aimed() {
    invariant(this.#target !== undefined, "an anchor is aimed at");
    return this.#target;
  }

  get #anchor(): bigint {
    return this.#aimed.header.windowIndex;
  }

  #newChain(header: ProposalHeader): HeaderChain {
    return new HeaderChain(this.#options.crypto, this.#staging, this.#options.genesisStateRoot, header);
  }

  #keepAccounts(prefix: number, accounts: readonly AccountRecord[]): string | undefined {
    const { crypto, rules } = this.#options;
    const manifest = this.#manifest;
    invariant(manifest !== undefined, "the manifest is there");
    const fault = findPrefixFault(crypto, depthsOf(manifest), manifest, prefix, accounts);
    if (fault !== undefined) return fault;
    if (rules.profile === "spec") {
      // The roots are right: it is the network that has left its rules.
      for (const account of accounts) {
        const broken = findAccountFault(account, this.#anchor);
        if (broken !== undefined) {
          throw new ProtocolError("snapshot-breaks-rules", { window: this.#anchor, fault: broken });
        }
      }
    }
    const records = concatBytes(...accounts.map((account) => encode(accountRecord, account)));
    this.#staging.append("accounts", this.#anchor, prefix, records);
    return undefined;
  }

  /** Accounts under prefixes whose roots are as at an earlier anchor need not come again (§4.12, "Delta"). */
  #keepUnchanged(roots: readonly Hash32[]): void {
    const anchors = new Set(
      this.#staging.indexes("manifest").map((index) => this.#staging.anchorOf("manifest", index)),
    );
    const [earlier] = anchors;
    if (anchors.size !== 1 || earlier === undefined || earlier === this.#anchor) return;
    const known = this.#readManifest(earlier);
    if (known?.length !== roots.length) return;
    const changed = new Set(changedPrefixes(depthsOf(roots), known, roots));
    for (const prefix of this.#staging.indexes("accounts", earlier)) {
      if (!changed.has(prefix)) this.#staging.append("kept", this.#anchor, prefix, new Uint8Array());
    }
  }

  #stageManifest(roots: readonly Hash32[]): void {
    for (let first = 0, index = 0; first < roots.length; first += MANIFEST_ROOTS_PER_RECORD, index++) {
      const part = roots.slice(first, first + MANIFEST_ROOTS_PER_RECORD);
      this.#staging.append("manifest", this.#anchor, index, concatBytes(...part));
    }
  }

  /** Undefined where it is not there whole. */
  #readManifest(anchor: bigint): readonly Hash32[] | undefined {
    const roots: Hash32[] = [];
    for (const index of this.#staging.indexes("manifest", anchor)) {
      roots.push(...(splitRecords(this.#staging.read("manifest", index)!, 32) as Hash32[]));
    }
    if (roots.length === 0 || !Number.isInteger(Math.log2(roots.length))) return undefined;
    const isWhole =
      anchor !== this.#anchor ||
      equalBytes(foldSubtreeRoots(this.#options.crypto, roots), this.#aimed.header.accountRoot);
    return isWhole ? roots : undefined;
  }

  #readTime(anchor: bigint): TimeHistory | undefined {
    if (!this.#staging.has("time", 0, anchor)) return undefined;
    const values = decode(timeValues, this.#staging.read("time", 0)!);
    return new TimeHistory(this.#options.rules.params.tau2Windows, values);
  }

  /** Chunk 0 begins with whole prefixes; the last one in it is cut, unless there is no other chunk of accounts. */
  #takeProbedAccounts(): void {
    if (!this.#staging.has("probe", 0, this.#anchor)) return;
    const { records } = decodeChunk(this.#staging.read("probe", 0)!);
    const accounts = splitRecords(records, accountRecord.size).map((bytes) => decode(accountRecord, bytes));
    const depth = depthsOf(this.#manifest!).prefix;
    const byPrefix = Map.groupBy(accounts, ({ accountId }) => prefixOf(accountId, depth));
    for (const [prefix, rows] of byPrefix) {
      // A cut one fails, and so does a lie: both are asked for again.
      if (!this.#staging.has("accounts", prefix, this.#anchor)) this.#keepAccounts(prefix, rows);
    }
  }

  *#addAccounts(builder: StoreBuilder, prefixes: number): Generator<Progress> {
    let rows: AccountRecord[] = [];
    for (let prefix = 0; prefix < prefixes; prefix++) {
      const bytes = this.#staging.read("accounts", prefix)!;
      for (let at = 0; at < bytes.length; at += accountRecord.size) {
        rows.push(decode(accountRecord, bytes.subarray(at, at + accountRecord.size)));
      }
      if (rows.length < ROWS_PER_STEP && prefix + 1 < prefixes) continue;
      builder.addRows({ accounts: rows });
      rows = [];
      yield { step: "accounts", done: prefix + 1, total: prefixes };
    }
  }

  #stagedBodies(): (NewBody & { readonly body: ProposalBody })[] {
    const first = firstBodyOf(this.#anchor, this.#options.rules.params.tau2Windows);
    const bodies: (NewBody & { readonly body: ProposalBody })[] = [];
    for (let window = first; window <= this.#anchor; window++) {
      const bytes = this.#staging.read("body", Number(window))!;
      const body = decode(proposalBody, bytes);
      bodies.push({ window, proposalHash: body.proposalHash, bytes, body });
    }
    return bodies;
  }
}

const MANIFEST_ROOTS_PER_RECORD = 16_384;

/** Node Table and Candidate Pool as they come, the last chunk first, until both roots are right. */
class TableParts {
  readonly #options: AssemblyOptions;
  readonly #header: ProposalHeader;
  readonly #payloads: Uint8Array[] = [];
  readonly nodes: NodeRecord[] = [];
  readonly candidates: CandidateRecord[] = [];
  #nodeTree: SparseMerkleTree;
  #candidateTree: SparseMerkleTree;

  constructor(options: AssemblyOptions, header: ProposalHeader) {
    this.#options = options;
    this.#header = header;
    this.#nodeTree = SparseMerkleTree.empty(options.crypto);
    this.#candidateTree = SparseMerkleTree.empty(options.crypto);
  }

  static fromStaged(options: AssemblyOptions, header: ProposalHeader, staging: Staging): TableParts {
    const parts = new TableParts(options, header);
    for (const index of staging.indexes("tables", header.windowIndex)) {
      if (parts.take(staging.read("tables", index)!) !== undefined) return new TableParts(options, header);
    }
    return parts.isComplete ? parts : new TableParts(options, header);
  }

  get isComplete(): boolean {
    return this.#areCandidatesComplete && equalBytes(this.#nodeTree.root, this.#header.nodeRoot);
  }

  get #areCandidatesComplete(): boolean {
    return equalBytes(this.#candidateTree.root, this.#header.candidateRoot);
  }

  take(payload: Uint8Array): string | undefined {
    const { tableId, records, recordCount, totalChunks } = decodeChunk(payload);
    if (recordCount === 0) return "wrong-record-count";
    if (this.#payloads.length >= totalChunks) return "state-root-mismatch";
    const isOfCandidates = tableId === TABLE_CANDIDATES;
    if (isOfCandidates === this.#areCandidatesComplete) return "candidate-root-mismatch";
    const anchor = this.#header.windowIndex;
    const { crypto, rules } = this.#options;
    const rows = splitRecords(records, RECORD_SIZES[tableId]);
    if (isOfCandidates) {
      const candidates = rows.map((bytes) => decode(candidateRecord, bytes));
      const fault = candidates.map((row) => findCandidateFault(crypto, rules, row, anchor)).find(Boolean);
      if (fault !== undefined) return fault;
      this.candidates.push(...candidates);
      this.#candidateTree = grown(this.#options.crypto, this.#candidateTree, rows);
    } else {
      const nodes = rows.map((bytes) => decode(nodeRecord, bytes));
      const fault = nodes.map((row) => findNodeFault(crypto, row, anchor)).find(Boolean);
      if (fault !== undefined) return fault;
      this.nodes.push(...nodes);
      this.#nodeTree = grown(this.#options.crypto, this.#nodeTree, rows);
    }
    this.#payloads.push(payload);
    return undefined;
  }

  stage(staging: Staging): void {
    for (const [index, payload] of this.#payloads.entries()) {
      staging.append("tables", this.#header.windowIndex, index, payload);
    }
  }
}

function checkCertificate(
  crypto: Native,
  rules: NetworkRules,
  nodes: readonly NodeRecord[],
  window: bigint,
  hash: Hash32,
  certificate: readonly Uint8Array[],
): string | undefined {
  const byId = new Map(nodes.map((node) => [byteKey(node.nodeId), node]));
  try {
    const weights = weightsAt(nodes, window, rules);
    const votes = certificate.map((bytes) => decode(proposalVote, bytes));
    const lookup = { get: (nodeId: Hash32) => byId.get(byteKey(nodeId)) };
    return verifyCertificate(crypto, { window, nodes: lookup, weights }, hash, votes);
  } catch (error) {
    if (error instanceof ProtocolError) return (error as ProtocolError).code;
    throw error;
  }
}

function grown(crypto: Native, tree: SparseMerkleTree, records: readonly Uint8Array[]): SparseMerkleTree {
  const leaves = leafHashes(crypto, records);
  const next = tree.update(records.map((record, i) => ({ key: record.slice(0, 32) as Hash32, leaf: leaves[i] })));
  tree.release();
  return next;
}

/** The depths follow from the number of roots (§4.12). */
function depthsOf(manifest: readonly Hash32[]): SubtreeDepths {
  const depth = Math.log2(manifest.length);
  return { manifest: depth, prefix: Math.max(0, depth - MANIFEST_LEVELS_PER_PREFIX) };
}

const MANIFEST_LEVELS_PER_PREFIX = 4;

function tryDecodeBody(bytes: Uint8Array): ProposalBody | undefined {
  try {
    return decode(proposalBody, bytes);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
