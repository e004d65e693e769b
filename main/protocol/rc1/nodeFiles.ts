/**
 * The small files under `meta/` of a reference data directory (chapter 02 §3.9, §5.4; chapter 03 §3.7; chapter 05 §3.5).
 * An absent file is `undefined` and means "never written".
 */
import { ascii, concatBytes, equalBytes, isAllZero, ZERO_HASH, type Hash32 } from "../bytes.ts";
import { decode, encode, hash32, struct, u64, u8, type FixedCodec } from "../codec/codec.ts";
import type { Crypto } from "../crypto.ts";
import { ProtocolError, type ErrorParams } from "../errors.ts";
import type { ProtocolParams } from "../genesis/params.ts";
import { genesisTimechainValue } from "../timechain/genesisValue.ts";

export const CURRENT_WINDOW_FILE = "meta/current_window.bin";
export const TIMECHAIN_FILE = "meta/timechain.bin";
export const NODE_STATE_FILE = "meta/node_state.bin";

/** Checks run in this order; all are fatal at start-up. */
export type NodeFileErrorCode = "corrupted-size" | "invalid-magic" | "unsupported-version" | "unknown-phase";

const HEADER_SIZE = 8;
const VERSION_OFFSET = 4;
const VERSION = 1;

const currentWindowMagic = ascii("mtcw");
const timechainMagic = ascii("mttc");
const nodeStateMagic = ascii("mtns");

/** `window` is the next one to settle. 16 bytes. */
export function encodeCurrentWindow(window: bigint): Uint8Array {
  return concatBytes(fileHeader(currentWindowMagic), encode(u64, window));
}

/** Also reads the older form, 8 bytes without a header. Throws `ProtocolError<NodeFileErrorCode>`. */
export function decodeCurrentWindow(file: Uint8Array | undefined): bigint {
  if (file === undefined) return 0n;
  if (file.length === u64.size) return decode(u64, file);
  return decode(u64, body(file, currentWindowMagic, u64));
}

const timechainPosition = struct({ timechainValue: hash32, currentD: u64, lastWindow: u64 });

/** Where the VDF stands: T of `lastWindow`, and D in SHA-256 iterations. */
export interface TimechainPosition {
  readonly timechainValue: Hash32;
  readonly currentD: bigint;
  readonly lastWindow: bigint;
}

/** 56 bytes. */
export function encodeTimechain(position: TimechainPosition): Uint8Array {
  return concatBytes(fileHeader(timechainMagic), encode(timechainPosition, position));
}

/** Throws `ProtocolError<NodeFileErrorCode>`. */
export function decodeTimechain(
  crypto: Crypto,
  params: ProtocolParams,
  file: Uint8Array | undefined,
): TimechainPosition {
  if (file === undefined) {
    return { timechainValue: genesisTimechainValue(crypto), currentD: params.d0, lastWindow: 0n };
  }
  return decode(timechainPosition, body(file, timechainMagic, timechainPosition));
}

export const PHASE_BOOTSTRAP = 0;
export const PHASE_CANDIDATE_VDF = 1;
export const PHASE_REGISTERED = 2;
export const PHASE_ACTIVE = 3;
export type Phase = 0 | 1 | 2 | 3;

/** How far a node of the reference has come on its way into the Node Table. */
export interface NodeLifecycle {
  readonly phase: Phase;
  /** Start of the candidate chain; the reference leaves zeros. */
  readonly candidateSeed: Hash32;
  /** Value after the last completed window of the candidate chain. */
  readonly candidateEndpoint: Hash32;
  /** Completed windows of the candidate chain. */
  readonly candidateProgress: bigint;
  readonly targetChainLength: bigint;
  readonly wStart: bigint;
  readonly registrationWindow: bigint;
  readonly noderegHash: Hash32;
}

const lifecycleBody = struct({
  candidateSeed: hash32,
  candidateEndpoint: hash32,
  candidateProgress: u64,
  targetChainLength: u64,
  wStart: u64,
  registrationWindow: u64,
  noderegHash: hash32,
});
const PHASE_OFFSET = 5;

/** 136 bytes. */
export function encodeNodeLifecycle(lifecycle: NodeLifecycle): Uint8Array {
  const header = fileHeader(nodeStateMagic);
  header.set(encode(u8, lifecycle.phase), PHASE_OFFSET);
  return concatBytes(header, encode(lifecycleBody, lifecycle));
}

/** Throws `ProtocolError<NodeFileErrorCode>`. Without a file it is {@link freshNodeLifecycle}. */
export function decodeNodeLifecycle(file: Uint8Array): NodeLifecycle {
  const fields = body(file, nodeStateMagic, lifecycleBody);
  const phase = file[PHASE_OFFSET]!;
  if (!isPhase(phase)) throw failure("unknown-phase", { phase });
  return { phase, ...decode(lifecycleBody, fields) };
}

/** The lifecycle of a node without a file. A bootstrap key of zeros, as unfinished decrees have, makes everybody active. */
export function freshNodeLifecycle(ownNodeKey: Uint8Array, bootstrapNodeKey: Uint8Array): NodeLifecycle {
  const isBootstrap = equalBytes(ownNodeKey, bootstrapNodeKey) || isAllZero(bootstrapNodeKey);
  return {
    phase: isBootstrap ? PHASE_ACTIVE : PHASE_BOOTSTRAP,
    candidateSeed: ZERO_HASH,
    candidateEndpoint: ZERO_HASH,
    candidateProgress: 0n,
    targetChainLength: 0n,
    wStart: 0n,
    registrationWindow: 0n,
    noderegHash: ZERO_HASH,
  };
}

function isPhase(value: number): value is Phase {
  return value <= PHASE_ACTIVE;
}

/** Magic, version and three bytes that are zero on write and not looked at on read, except for the phase. */
function fileHeader(magic: Uint8Array): Uint8Array {
  const header = new Uint8Array(HEADER_SIZE);
  header.set(magic);
  header[VERSION_OFFSET] = VERSION;
  return header;
}

/** What follows the header, once size, magic and version are right. */
function body(file: Uint8Array, magic: Uint8Array, layout: FixedCodec<unknown>): Uint8Array {
  if (file.length !== HEADER_SIZE + layout.size) throw failure("corrupted-size", { size: file.length });
  if (!equalBytes(file.subarray(0, VERSION_OFFSET), magic)) throw failure("invalid-magic");
  const version = file[VERSION_OFFSET]!;
  if (version !== VERSION) throw failure("unsupported-version", { version });
  return file.subarray(HEADER_SIZE);
}

function failure(code: NodeFileErrorCode, params: ErrorParams = {}) {
  return new ProtocolError<NodeFileErrorCode>(code, params);
}
