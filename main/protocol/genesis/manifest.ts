/** The genesis manifest: the peers that a node first talks to, as JSON text (chapter 02 §3.7, §5.1; chapter 05 §2). */
import { ProtocolError, type ErrorParams } from "../errors.ts";
import type { ProtocolParams } from "./params.ts";
import { rulesOf, type Admission, type NetworkRules, type Profile } from "./rules.ts";

export const MANIFEST_SIZE_MAX = 1_048_576;
export const MANIFEST_PEERS_MAX = 1024;
const ID_SIZE = 64;

export interface ManifestPeer {
  readonly label: string;
  /** `/ip4/<addr>/tcp/<port>`; read when dialling, not here. */
  readonly multiaddr: string;
  /** Base58 multihash that the connection is pinned to; read when dialling, not here. */
  readonly peerId: string;
  /** 64 bytes of UTF-8, as the two ids are; whether they are hex nobody has checked. */
  readonly accountIdHex: string;
  readonly nodeIdHex: string;
  readonly isBootstrap: boolean;
}

export interface Manifest {
  readonly networkName: string;
  readonly peers: readonly ManifestPeer[];
  readonly bootstrap: ManifestPeer;
  /** Undefined where the manifest leaves the choice to the local configuration. */
  readonly profile: Profile | undefined;
  readonly admission: Admission | undefined;
}

export type ManifestErrorCode =
  | "manifest-too-large"
  | "json"
  | "empty-peers"
  | "too-many-peers"
  | "no-bootstrap"
  | "multiple-bootstrap"
  | "invalid-hex-length"
  | "unknown-profile"
  | "unknown-admission";

export type ConfigurationErrorCode = "profile-conflict" | "admission-conflict";

/**
 * Checks M1 to M4 in their order, then `profile` and `admission`. Unknown keys are ignored. Throws
 * `ProtocolError<ManifestErrorCode>`; `json` names the part that is missing or of another type.
 */
export function parseManifest(text: string): Manifest {
  if (text.length > MANIFEST_SIZE_MAX) throw refusal("manifest-too-large", { characters: text.length });
  const manifest = object(parseJson(text), "manifest");
  const networkName = string(manifest, "network_name");
  const profile = optionalString(manifest, "profile");
  const admission = optionalString(manifest, "admission");
  const list = own(manifest, "peers");
  if (!Array.isArray(list)) throw refusal("json", { field: "peers" });
  if (list.length > MANIFEST_PEERS_MAX) throw refusal("too-many-peers", { peers: list.length });
  const peers = list.map(readPeer);

  if (peers.length === 0) throw refusal("empty-peers");
  const [bootstrap, second] = peers.filter((peer) => peer.isBootstrap);
  if (bootstrap === undefined) throw refusal("no-bootstrap");
  if (second !== undefined) throw refusal("multiple-bootstrap");
  for (const [index, peer] of peers.entries()) {
    checkIdLength(index, "account_id_hex", peer.accountIdHex);
    checkIdLength(index, "node_id_hex", peer.nodeIdHex);
  }
  return { networkName, peers, bootstrap, profile: readProfile(profile), admission: readAdmission(admission) };
}

/**
 * The rules that manifest and local configuration agree on; what neither states has its default. Throws
 * `ProtocolError<ConfigurationErrorCode>` where they contradict each other: the node then refuses to start.
 */
export function agreeOnRules(
  params: ProtocolParams,
  manifest: Pick<Manifest, "profile" | "admission">,
  local: { readonly profile?: Profile; readonly admission?: Admission },
): NetworkRules {
  const profile = agree(manifest.profile, local.profile, "profile-conflict") ?? "spec";
  return rulesOf(params, profile, agree(manifest.admission, local.admission, "admission-conflict"));
}

function agree<T extends string>(manifest: T | undefined, local: T | undefined, conflict: ConfigurationErrorCode) {
  if (manifest !== undefined && local !== undefined && manifest !== local) {
    throw new ProtocolError<ConfigurationErrorCode>(conflict, { manifest, local });
  }
  return manifest ?? local;
}

type Json = Readonly<Record<string, unknown>>;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw refusal("json");
  }
}

function readPeer(value: unknown, index: number): ManifestPeer {
  const peer = object(value, `peers[${index}]`);
  return {
    label: string(peer, "label"),
    multiaddr: string(peer, "multiaddr"),
    peerId: string(peer, "peer_id"),
    accountIdHex: string(peer, "account_id_hex"),
    nodeIdHex: string(peer, "node_id_hex"),
    isBootstrap: optionalBoolean(peer, "bootstrap") ?? false,
  };
}

function checkIdLength(peer: number, field: string, id: string): void {
  const actual = utf8Length(id);
  if (actual !== ID_SIZE) throw refusal("invalid-hex-length", { peer, field, actual });
}

/** Bytes of `text` in UTF-8, by which the reference measures it; a lone surrogate counts as the character put in its place. */
function utf8Length(text: string): number {
  let length = 0;
  for (const character of text) {
    const point = character.codePointAt(0)!;
    length += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x1_0000 ? 3 : 4;
  }
  return length;
}

function readProfile(text: string | undefined): Profile | undefined {
  if (text === undefined || text === "spec" || text === "rc1") return text;
  throw refusal("unknown-profile", { profile: text });
}

function readAdmission(text: string | undefined): Admission | undefined {
  if (text === undefined || text === "per-window" || text === "selection") return text;
  throw refusal("unknown-admission", { admission: text });
}

function object(value: unknown, field: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refusal("json", { field });
  return value as Json;
}

function string(json: Json, field: string): string {
  const value = optionalString(json, field);
  if (value === undefined) throw refusal("json", { field });
  return value;
}

function optionalString(json: Json, field: string): string | undefined {
  const value = own(json, field);
  if (value !== undefined && typeof value !== "string") throw refusal("json", { field });
  return value;
}

function optionalBoolean(json: Json, field: string): boolean | undefined {
  const value = own(json, field);
  if (value !== undefined && typeof value !== "boolean") throw refusal("json", { field });
  return value;
}

/** What the text itself says, never what an object inherits. */
function own(json: Json, field: string): unknown {
  return Object.hasOwn(json, field) ? json[field] : undefined;
}

function refusal(code: ManifestErrorCode, params: ErrorParams = {}) {
  return new ProtocolError<ManifestErrorCode>(code, params);
}
