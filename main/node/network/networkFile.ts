/**
 * A network as data: one JSON file says what it is before window 0, by which rules it goes on and whom to talk to first.
 * The peers are written as the reference's manifest has them (chapter 02 §5.1), and its `genesis-manifest.json` is itself
 * such a file: one without `genesis`, which stands for the released network "montana".
 *
 * Windows and iterations are JSON numbers, amounts decimal strings in nɈ, keys and hashes lower-case hex.
 */
import { findNodeAtLocation, parseTree, printParseErrorCode, type Node, type ParseError } from "jsonc-parser";
import { z } from "zod";

import { fromHex, sized, toHex, ZERO_HASH, type Hash32 } from "../../protocol/bytes.ts";
import { U128_MAX } from "../../protocol/codec/codec.ts";
import type { PublicKey } from "../../protocol/crypto.ts";
import { ProtocolError, type ErrorParams } from "../../protocol/errors.ts";
import { agreeOnRules, parseManifest, MANIFEST_SIZE_MAX, type ManifestPeer } from "../../protocol/genesis/manifest.ts";
import { MONTANA_PARAMS } from "../../protocol/genesis/montana.ts";
import type { ProtocolParams } from "../../protocol/genesis/params.ts";
import type { Admission, NetworkRules, Profile } from "../../protocol/genesis/rules.ts";
import type { Founder } from "../../protocol/genesis/state.ts";

export type NetworkFileErrorCode =
  /** `file`, `line`, `column`, `field` and `reason`. */
  | "network-file-invalid"
  /** A manifest of `network`, whose genesis this program does not have built in. */
  | "network-genesis-missing";

export interface Network {
  /** Lower-case letters, digits and hyphens; also the name of its folder. */
  readonly name: string;
  readonly rules: NetworkRules;
  /** The nodes of the beginning besides the bootstrap pair; test networks only. */
  readonly otherFounders: readonly Founder[];
  /** What the genesis must hash to. */
  readonly stateHash: Hash32 | undefined;
  readonly peers: readonly ManifestPeer[];
  /** Without peers this network cannot be entered, and none are public: a manifest must be brought. */
  readonly isManifestNeeded: boolean;
  readonly tunnel: TunnelDefaults | undefined;
}

/** What a client of this network's cities starts with. */
export interface TunnelDefaults {
  readonly subscriptionUrl?: string | undefined;
  readonly cities?: readonly string[] | undefined;
  readonly probeUrl?: string | undefined;
  /** How often whoever looks may ask each city whether it is there; never where it is left out. */
  readonly watchSeconds?: number | undefined;
}

/** D stays at D0 for ever. The protocol has no switch for it: a step of 0 is the same. */
export function isAdaptationFrozen({ dAdjustmentRateNum }: ProtocolParams): boolean {
  return dAdjustmentRateNum === 0;
}

const FOUNDERS_MAX = 64;
const DEPTH_MAX = 16;
const CITIES_MAX = 256;
const URL_MAX = 2048;
const WATCH_SECONDS_MAX = 3600;

const hex = (size: number) =>
  z.string().regex(new RegExp(`^[0-9a-f]{${2 * size}}$`), `must be ${2 * size} lower-case hex digits`);
const hash = hex(32);
const publicKey = hex(1952);
const u8 = z.int().min(0).max(0xff);
const u16 = z.int().min(0).max(0xffff);
/** Below 2^53, so that every JSON reader sees the same number. */
const count = z.int().min(1);
const amount = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,38})$/, { error: "must be a decimal string in nɈ", abort: true })
  .refine((text) => BigInt(text) <= U128_MAX, "must be below 2^128");
const url = z.url({ protocol: /^https?$/ }).max(URL_MAX);

const genesisSchema = z.strictObject({
  d0: count,
  d_adjustment: z.union([z.literal("frozen"), z.strictObject({ num: u16.min(1), den: u16.min(1) })]),
  tau2_windows: count,
  emission_moneta: amount,
  target_zero: hash,
  confirmation_quorum: z.strictObject({ num: u8.min(1), den: u8.min(1) }),
  participation_dead_zone: z.strictObject({ low: u16.max(100), high: u16.max(100) }),
  vdf_entry_windows: count,
  selection_interval: count,
  admission_divisor: count,
  candidate_expiry_windows: count,
  adaptive_vdf: z.strictObject({ threshold: u16, multiplier: u16 }),
  pruning_idle_windows: count,
  bootstrap_account_pubkey: publicKey,
  bootstrap_node_pubkey: publicKey,
  content_app_id: hash,
  content_data_hash: hash,
  other_founders: z
    .array(z.strictObject({ account_pubkey: publicKey, node_pubkey: publicKey }))
    .max(FOUNDERS_MAX)
    .optional(),
  state_hash: hash.optional(),
});

const networkSchema = z.strictObject({
  note: z.string().optional(),
  network_name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, "must be 1 to 32 lower-case letters, digits and hyphens"),
  /** What is left out the person's configuration may state; both together have defaults. */
  profile: z.enum(["spec", "rc1"]).optional(),
  admission: z.enum(["per-window", "selection"]).optional(),
  genesis: genesisSchema,
  /** Its content is the manifest's own matter. */
  peers: z.array(z.unknown()),
  manifest_needed: z.boolean().optional(),
  tunnel: z
    .strictObject({
      subscription_url: url.optional(),
      cities: z.array(z.string().min(1).max(64)).max(CITIES_MAX).optional(),
      probe_url: url.optional(),
      watch_seconds: z.int().min(1).max(WATCH_SECONDS_MAX).optional(),
    })
    .optional(),
});
type NetworkJson = z.infer<typeof networkSchema>;

/** What the person's configuration states apart from the file. */
export interface LocalRules {
  readonly profile?: Profile;
  readonly admission?: Admission;
}

/**
 * Reads a network file or a manifest of the reference; `file` is what errors call it. Throws
 * `ProtocolError<NetworkFileErrorCode | ManifestErrorCode | ConfigurationErrorCode>`.
 */
export function parseNetworkFile(file: string, text: string, local: LocalRules = {}): Network {
  const tree = readTree(file, text);
  if (findNodeAtLocation(tree, ["genesis"]) === undefined) return readManifest(file, text, local);
  const checked = networkSchema.safeParse(JSON.parse(text));
  if (!checked.success) {
    const [issue] = checked.error.issues;
    const path = (issue?.path ?? []).map((part) => (typeof part === "symbol" ? String(part) : part));
    // A missing key has no place of its own: its object's is the nearest.
    const node = findNodeAtLocation(tree, path) ?? findNodeAtLocation(tree, path.slice(0, -1)) ?? tree;
    throw invalid(file, text, node.offset, fieldName(path), issue?.message ?? "");
  }
  return toNetwork(file, checked.data, local);
}

/** The text of a network file; {@link parseNetworkFile} gives the same network back. */
export function formatNetworkFile(network: Network, note?: string): string {
  const { params, profile, admission } = network.rules;
  const json: NetworkJson = {
    ...(note === undefined ? {} : { note }),
    network_name: network.name,
    profile,
    admission,
    genesis: {
      d0: Number(params.d0),
      d_adjustment: isAdaptationFrozen(params)
        ? "frozen"
        : { num: params.dAdjustmentRateNum, den: params.dAdjustmentRateDen },
      tau2_windows: Number(params.tau2Windows),
      emission_moneta: params.emissionMoneta.toString(),
      target_zero: toHex(params.targetZero),
      confirmation_quorum: { num: params.confirmationQuorumNum, den: params.confirmationQuorumDen },
      participation_dead_zone: { low: params.participationDeadZoneLow, high: params.participationDeadZoneHigh },
      vdf_entry_windows: Number(params.vdfEntryWindows),
      selection_interval: Number(params.selectionInterval),
      admission_divisor: Number(params.admissionDivisor),
      candidate_expiry_windows: Number(params.candidateExpiryWindows),
      adaptive_vdf: { threshold: params.adaptiveVdfThreshold, multiplier: params.adaptiveVdfMultiplier },
      pruning_idle_windows: Number(params.pruningIdleWindows),
      bootstrap_account_pubkey: toHex(params.bootstrapAccountPubkey),
      bootstrap_node_pubkey: toHex(params.bootstrapNodePubkey),
      content_app_id: toHex(params.genesisContentAppId),
      content_data_hash: toHex(params.genesisContentDataHash),
      ...(network.otherFounders.length === 0
        ? {}
        : {
            other_founders: network.otherFounders.map(({ accountPubkey, nodePubkey }) => ({
              account_pubkey: toHex(accountPubkey),
              node_pubkey: toHex(nodePubkey),
            })),
          }),
      ...(network.stateHash === undefined ? {} : { state_hash: toHex(network.stateHash) }),
    },
    peers: network.peers.map((peer) => ({
      label: peer.label,
      multiaddr: peer.multiaddr,
      peer_id: peer.peerId,
      account_id_hex: peer.accountIdHex,
      node_id_hex: peer.nodeIdHex,
      bootstrap: peer.isBootstrap,
    })),
    ...(network.isManifestNeeded ? { manifest_needed: true } : {}),
    ...(network.tunnel === undefined
      ? {}
      : {
          tunnel: {
            subscription_url: network.tunnel.subscriptionUrl,
            cities: network.tunnel.cities?.slice(),
            probe_url: network.tunnel.probeUrl,
            watch_seconds: network.tunnel.watchSeconds,
          },
        }),
  };
  return `${JSON.stringify(json, undefined, 2)}\n`;
}

function readManifest(file: string, text: string, local: LocalRules): Network {
  const manifest = named(file, () => parseManifest(text));
  const { networkName, peers } = manifest;
  if (networkName !== "montana") {
    throw new ProtocolError<NetworkFileErrorCode>("network-genesis-missing", { file, network: networkName });
  }
  return {
    name: networkName,
    rules: agreeOnRules(MONTANA_PARAMS, manifest, local),
    otherFounders: [],
    stateHash: undefined,
    peers,
    isManifestNeeded: false,
    tunnel: undefined,
  };
}

function toNetwork(file: string, json: NetworkJson, local: LocalRules): Network {
  const { network_name: name, genesis, tunnel } = json;
  const stated = { profile: json.profile, admission: json.admission };
  return {
    name,
    rules: agreeOnRules(toParams(genesis), stated, local),
    otherFounders: (genesis.other_founders ?? []).map(({ account_pubkey, node_pubkey }) => ({
      accountPubkey: keyOf(account_pubkey),
      nodePubkey: keyOf(node_pubkey),
    })),
    stateHash: genesis.state_hash === undefined ? undefined : hashOf(genesis.state_hash),
    peers: readPeers(file, name, json.peers),
    isManifestNeeded: json.manifest_needed ?? false,
    tunnel:
      tunnel === undefined
        ? undefined
        : {
            ...{ subscriptionUrl: tunnel.subscription_url, cities: tunnel.cities },
            ...{ probeUrl: tunnel.probe_url, watchSeconds: tunnel.watch_seconds },
          },
  };
}

/** A network of one node has no peers; where there are some, they are what a manifest may hold. */
function readPeers(file: string, name: string, peers: readonly unknown[]): readonly ManifestPeer[] {
  if (peers.length === 0) return [];
  return named(file, () => parseManifest(JSON.stringify({ network_name: name, peers }))).peers;
}

function toParams(genesis: NetworkJson["genesis"]): ProtocolParams {
  const { d_adjustment: adjustment, confirmation_quorum: quorum, participation_dead_zone: deadZone } = genesis;
  const { num, den } = adjustment === "frozen" ? { num: 0, den: MONTANA_PARAMS.dAdjustmentRateDen } : adjustment;
  return {
    d0: BigInt(genesis.d0),
    reserved: MONTANA_PARAMS.reserved,
    tau2Windows: BigInt(genesis.tau2_windows),
    emissionMoneta: BigInt(genesis.emission_moneta),
    targetZero: hashOf(genesis.target_zero),
    confirmationQuorumNum: quorum.num,
    confirmationQuorumDen: quorum.den,
    participationDeadZoneLow: deadZone.low,
    participationDeadZoneHigh: deadZone.high,
    dAdjustmentRateNum: num,
    dAdjustmentRateDen: den,
    vdfEntryWindows: BigInt(genesis.vdf_entry_windows),
    selectionInterval: BigInt(genesis.selection_interval),
    admissionDivisor: BigInt(genesis.admission_divisor),
    candidateExpiryWindows: BigInt(genesis.candidate_expiry_windows),
    adaptiveVdfThreshold: genesis.adaptive_vdf.threshold,
    adaptiveVdfMultiplier: genesis.adaptive_vdf.multiplier,
    pruningIdleWindows: BigInt(genesis.pruning_idle_windows),
    bootstrapAccountPubkey: keyOf(genesis.bootstrap_account_pubkey),
    bootstrapNodePubkey: keyOf(genesis.bootstrap_node_pubkey),
    genesisContentAppId: hashOf(genesis.content_app_id),
    genesisContentDataHash: hashOf(genesis.content_data_hash),
  };
}

/** The text as a tree with positions: well-formed, an object, no key twice. */
function readTree(file: string, text: string): Node {
  if (text.length > MANIFEST_SIZE_MAX) throw invalid(file, text, 0, "", `larger than ${MANIFEST_SIZE_MAX} characters`);
  // The parser goes down by calling itself.
  const tooDeep = findDepth(text, DEPTH_MAX);
  if (tooDeep !== undefined) throw invalid(file, text, tooDeep, "", `nested more than ${DEPTH_MAX} deep`);
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  const [error] = errors;
  if (error !== undefined) throw invalid(file, text, error.offset, "", printParseErrorCode(error.error));
  if (tree?.type !== "object") throw invalid(file, text, 0, "", "must be a JSON object");
  checkNoKeyTwice(file, text, tree);
  return tree;
}

/** Where the text first opens more than `depth` brackets, those in strings apart. */
function findDepth(text: string, depth: number): number | undefined {
  let open = 0;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"?|[[\]{}]/gs)) {
    if (token === "[" || token === "{") open++;
    else if (token === "]" || token === "}") open--;
    if (open > depth) return index;
  }
  return undefined;
}

function checkNoKeyTwice(file: string, text: string, node: Node): void {
  const keys = new Set<unknown>();
  for (const child of node.children ?? []) {
    checkNoKeyTwice(file, text, child);
    if (child.type !== "property") continue;
    const key = child.children?.[0];
    if (key !== undefined && keys.has(key.value))
      throw invalid(file, text, key.offset, String(key.value), "stands twice");
    keys.add(key?.value);
  }
}

function invalid(file: string, text: string, offset: number, field: string, reason: string): ProtocolError {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  const column = offset - before.lastIndexOf("\n");
  return new ProtocolError<NetworkFileErrorCode>("network-file-invalid", { file, line, column, field, reason });
}

function fieldName(path: readonly (string | number)[]): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`))
    .join("")
    .replace(/^\./, "");
}

/** Errors of the manifest say in which file. */
function named<T>(file: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const params: ErrorParams = { ...error.params, file };
    throw new ProtocolError(error.code, params);
  }
}

const hashOf = (text: string): Hash32 => sized(fromHex(text) ?? ZERO_HASH, 32);
const keyOf = (text: string): PublicKey => sized(fromHex(text) ?? ZERO_HASH, 1952);
