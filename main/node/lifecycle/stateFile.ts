/** The state of the lifecycle on disk: one checksummed record, written whenever it changes. */
import { equalBytes, ZERO_HASH, type AccountId } from "../../protocol/bytes.ts";
import { accountId, decode, encode, flag, hash32, struct, u64, u8, type Infer } from "../../protocol/codec/codec.ts";
import type { Crypto } from "../../protocol/crypto.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { SlotFile, type SlotFault } from "../vdf/slotFile.ts";
import type { Hindrance, LifecycleState, Phase, RestartCause } from "./state.ts";

/** The place of a word in its list is its byte on disk: lists only grow at their end. Byte 0 stands for none. */
const PHASES = ["Bootstrap", "CandidateVdf", "Registered", "Active"] as const satisfies readonly Phase[];
const CAUSES = [
  "too-slow",
  "deadline-missed",
  "not-registered-in-time",
  "registration-expired",
  "registration-dropped",
  "evicted",
  "requested",
] as const satisfies readonly RestartCause[];
const HINDRANCES = [
  "unsupported-suite",
  "invalid-signature",
  "node-id-already-in-node-table",
  "node-id-already-in-candidate-pool",
  "operator-account-not-found",
  "operator-account-already-node",
  "operator-account-already-candidate",
  "w-start-out-of-range",
  "entry-closed",
] as const satisfies readonly Hindrance[];

const lifecycleRecord = struct({
  nodeId: hash32,
  phase: u8,
  lastRestart: u8,
  hindrance: u8,
  hasOperator: flag,
  operatorAccountId: accountId,
  hasChain: flag,
  wStart: u64,
  init: hash32,
  d: u64,
  target: u64,
  done: u64,
  value: hash32,
  hasPublication: flag,
  publishedOperator: accountId,
  publishedEndpoint: hash32,
  publishedLength: u64,
  hasRegistration: flag,
  registrationWindow: u64,
  noderegHash: hash32,
  hasAdmission: flag,
  admissionWindow: u64,
});
type LifecycleRecord = Infer<typeof lifecycleRecord>;

/** Damage from which the file recovered, or why it is not used. */
export type StateFileNotice =
  /** The state is that of the other slot: the change before the last one, at most. The tables put it right. */
  | { readonly code: "lifecycle-slot-damaged"; readonly fault: SlotFault }
  /** Nothing of it can be read; the file is kept with `.corrupt` behind its name. */
  | { readonly code: "lifecycle-corrupt"; readonly first: string; readonly second: string }
  /** It belongs to another node, or this program could not have written it. */
  | { readonly code: "lifecycle-not-own" };

export class StateFile {
  readonly #file: SlotFile;
  readonly #nodeId: LifecycleRecord["nodeId"];

  /** Undefined where there is no file, or none that can be used. */
  readonly state: LifecycleState | undefined;
  readonly notices: readonly StateFileNotice[];

  constructor(crypto: Crypto, path: string, nodeId: LifecycleRecord["nodeId"]) {
    this.#nodeId = nodeId;
    const notices: StateFileNotice[] = [];
    try {
      this.#file = new SlotFile(crypto, path, "lifecycle");
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code !== "slot-file-corrupt") throw error;
      const { first, second } = error.params as { first: string; second: string };
      notices.push({ code: "lifecycle-corrupt", first, second });
      this.#file = SlotFile.replace(crypto, path, "lifecycle");
    }
    const { payload, fault } = this.#file;
    if (fault !== undefined) notices.push({ code: "lifecycle-slot-damaged", fault });
    this.state = payload && fromRecord(decode(lifecycleRecord, payload), nodeId);
    if (payload !== undefined && this.state === undefined) notices.push({ code: "lifecycle-not-own" });
    this.notices = notices;
  }

  /** Returns once it is on disk. Throws what the file system throws. */
  write(state: LifecycleState): void {
    this.#file.write(encode(lifecycleRecord, toRecord(state, this.#nodeId)));
  }

  close(): void {
    this.#file.close();
  }
}

const NO_ACCOUNT = ZERO_HASH as AccountId;

function toRecord(state: LifecycleState, nodeId: LifecycleRecord["nodeId"]): LifecycleRecord {
  const { chain, publication, registration } = state;
  return {
    nodeId,
    phase: PHASES.indexOf(state.phase),
    lastRestart: state.lastRestart === undefined ? 0 : CAUSES.indexOf(state.lastRestart) + 1,
    hindrance: state.hindrance === undefined ? 0 : HINDRANCES.indexOf(state.hindrance) + 1,
    hasOperator: state.operatorAccountId !== undefined,
    operatorAccountId: state.operatorAccountId ?? NO_ACCOUNT,
    hasChain: chain !== undefined,
    ...(chain ?? { wStart: 0n, init: ZERO_HASH, d: 0n, target: 0n, done: 0n, value: ZERO_HASH }),
    hasPublication: publication !== undefined,
    publishedOperator: publication?.operatorAccountId ?? NO_ACCOUNT,
    publishedEndpoint: publication?.proofEndpoint ?? ZERO_HASH,
    publishedLength: publication?.vdfChainLength ?? 0n,
    hasRegistration: registration !== undefined,
    registrationWindow: registration?.window ?? 0n,
    noderegHash: registration?.noderegHash ?? ZERO_HASH,
    hasAdmission: state.admissionWindow !== undefined,
    admissionWindow: state.admissionWindow ?? 0n,
  };
}

function fromRecord(record: LifecycleRecord, nodeId: LifecycleRecord["nodeId"]): LifecycleState | undefined {
  const phase = PHASES[record.phase];
  const isOwn = equalBytes(record.nodeId, nodeId);
  if (!isOwn || phase === undefined) return undefined;
  if (phase === "CandidateVdf" && !(record.hasChain && record.hasOperator)) return undefined;
  const { wStart, init, d, target, done, value } = record;
  return {
    phase,
    operatorAccountId: record.hasOperator ? record.operatorAccountId : undefined,
    notBefore: undefined,
    chain: record.hasChain ? { wStart, init, d, target, done, value } : undefined,
    publication: record.hasPublication
      ? {
          operatorAccountId: record.publishedOperator,
          proofEndpoint: record.publishedEndpoint,
          vdfChainLength: record.publishedLength,
        }
      : undefined,
    registration: record.hasRegistration
      ? { window: record.registrationWindow, noderegHash: record.noderegHash }
      : undefined,
    admissionWindow: record.hasAdmission ? record.admissionWindow : undefined,
    hindrance: HINDRANCES[record.hindrance - 1],
    lastRestart: CAUSES[record.lastRestart - 1],
  };
}
