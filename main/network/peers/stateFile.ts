/**
 * What the peer manager remembers over restarts (chapter 07 §3.17): the secret of the buckets, addresses, anchors, bans. One
 * file: magic "mtpn" ‖ schema version u8 ‖ body ‖ CRC-32 of all before. Addresses are not precious: a file that cannot be read
 * is set aside and named, and the node starts from the manifest.
 */
import { open, rename } from "node:fs/promises";
import { crc32 } from "node:zlib";

import { ascii, concatBytes, equalBytes, type Bytes, type NodeId } from "../../protocol/bytes.ts";
import {
  bytes,
  decode,
  encode,
  flag,
  list,
  nodeId,
  struct,
  u16,
  u32,
  u64,
  u8,
  type Infer,
} from "../../protocol/codec/codec.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { formatPeerId, parsePeerId } from "../../protocol/identity/peerId.ts";
import type { PeerIdText } from "../ports.ts";
import type { Address } from "./address.ts";
import type { Claim } from "./addressBook.ts";
import type { Ban } from "./conduct.ts";
import { ANCHORS_MAX, BANS_MAX, RECORDS_MAX } from "./limits.ts";
import { replaceFile } from "../../files/replaceFile.ts";

export interface Anchor extends Claim {
  readonly peerId: PeerIdText;
}

export interface StoredAddress extends Claim {
  readonly sourceGroup: string;
  readonly isVerified: boolean;
  readonly lastSeenMinute: bigint;
}

export interface StoredState {
  readonly secret: Bytes<32>;
  readonly anchors: readonly Anchor[];
  readonly bans: readonly Ban[];
  readonly addresses: readonly StoredAddress[];
}

export type StateFileFault = "too-large" | "magic" | "schema-version" | "checksum" | "content";

const MAGIC = ascii("mtpn");
const SCHEMA_VERSION = 1;
const HEADER_SIZE = MAGIC.length + 1;
const CHECKSUM_SIZE = 4;
const FILE_SIZE_MAX = 2 * 1024 * 1024;
const TEXT_SIZE_MAX = 255;
const PEER_ID_SIZE = 34;

const text = list(u8, { count: u8 });
const addressLayout = struct({ ipVersion: u8, ip: bytes(16), port: u16 });
const claimFields = { nodeId, address: addressLayout, startWindow: u64 };
const anchorLayout = struct({ ...claimFields, peerId: bytes(PEER_ID_SIZE) });
const banLayout = struct({ peerId: bytes(PEER_ID_SIZE), hasNodeId: flag, nodeId, untilUnixMs: u64, reason: text });
const storedAddressLayout = struct({ ...claimFields, sourceGroup: text, isVerified: flag, lastSeenMinute: u64 });
const bodyLayout = struct({
  secret: bytes(32),
  anchors: list(anchorLayout, { count: u8 }),
  bans: list(banLayout),
  addresses: list(storedAddressLayout),
});

/** Undefined where there is no file. A damaged one gets `.corrupt` behind its name, and `damaged` hears why. */
export async function readStateFile(
  path: string,
  damaged: (fault: StateFileFault) => void,
): Promise<StoredState | undefined> {
  const content = await readWhole(path);
  if (content === undefined) return undefined;
  const state = content === "too-large" ? content : parseState(content);
  if (typeof state !== "string") return state;
  await rename(path, `${path}.corrupt`);
  damaged(state);
  return undefined;
}

/** Resolves once it is durable. */
export async function writeStateFile(path: string, state: StoredState): Promise<void> {
  await replaceFile(path, formatState(state));
}

export function formatState({ secret, anchors, bans, addresses }: StoredState): Uint8Array {
  const body = encode(bodyLayout, {
    secret,
    anchors: anchors.slice(0, ANCHORS_MAX).map((anchor) => ({ ...anchor, peerId: parsePeerId(anchor.peerId) })),
    bans: bans.slice(0, BANS_MAX).map((ban) => ({
      peerId: parsePeerId(ban.peerId),
      hasNodeId: ban.nodeId !== undefined,
      nodeId: ban.nodeId ?? (new Uint8Array(32) as NodeId),
      untilUnixMs: BigInt(Math.max(0, Math.floor(ban.untilUnixMs))),
      reason: textBytes(ban.reason),
    })),
    addresses: addresses
      .slice(0, RECORDS_MAX)
      .map((stored) => ({ ...stored, sourceGroup: textBytes(stored.sourceGroup) })),
  });
  const content = concatBytes(MAGIC, new Uint8Array([SCHEMA_VERSION]), body);
  return concatBytes(content, encode(u32, crc32(content)));
}

export function parseState(file: Uint8Array): StoredState | StateFileFault {
  if (file.length < HEADER_SIZE + CHECKSUM_SIZE || !equalBytes(file.subarray(0, MAGIC.length), MAGIC)) return "magic";
  const content = file.subarray(0, file.length - CHECKSUM_SIZE);
  if (decode(u32, file.subarray(content.length)) !== crc32(content)) return "checksum";
  if (content[MAGIC.length] !== SCHEMA_VERSION) return "schema-version";
  try {
    return toState(decode(bodyLayout, content.subarray(HEADER_SIZE)));
  } catch (error) {
    if (error instanceof ProtocolError) return "content";
    throw error;
  }
}

function toState({ secret, anchors, bans, addresses }: Infer<typeof bodyLayout>): StoredState {
  return {
    secret,
    anchors: anchors.map((anchor) => ({ ...toClaim(anchor), peerId: formatPeerId(anchor.peerId) })),
    bans: bans.map((ban) => ({
      peerId: formatPeerId(ban.peerId),
      nodeId: ban.hasNodeId ? ban.nodeId : undefined,
      untilUnixMs: Number(ban.untilUnixMs),
      reason: String.fromCharCode(...ban.reason),
    })),
    addresses: addresses.map((stored) => ({
      ...toClaim(stored),
      sourceGroup: String.fromCharCode(...stored.sourceGroup),
      isVerified: stored.isVerified,
      lastSeenMinute: stored.lastSeenMinute,
    })),
  };
}

function toClaim({
  nodeId: node,
  address,
  startWindow,
}: Infer<typeof anchorLayout> | Infer<typeof storedAddressLayout>): Claim {
  return { nodeId: node, address: toAddress(address), startWindow };
}

function toAddress({ ipVersion, ip, port }: Infer<typeof addressLayout>): Address {
  if (ipVersion !== 4 && ipVersion !== 6) throw new ProtocolError("invalid-field", { field: "ipVersion" });
  return { ipVersion, ip, port };
}

/** Printable ASCII of it, so that a text of any origin fits. */
function textBytes(value: string): number[] {
  return [...ascii(value.replaceAll(/[^ -~]/g, "?").slice(0, TEXT_SIZE_MAX))];
}

async function readWhole(path: string): Promise<Uint8Array | "too-large" | undefined> {
  try {
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      return size > FILE_SIZE_MAX ? "too-large" : new Uint8Array(await file.readFile());
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
