/** The aggregator's private settings, one JSON file: whom it asks, where it writes. README.md of this folder shows one. */
import { readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

import { isDnsName, parseIpv4, parseIpv6 } from "../../cities/addresses.ts";
import { decodeCities, type Cities } from "../../cities/cities.ts";
import { parseJson } from "../../cities/json.ts";
import { PUBLIC_FILE_MAX } from "../../cities/limits.ts";
import { NODE_LABEL } from "../../cities/myVpn.ts";
import { count, displayText, flag, listOf, oneOf, optional, peerIdText, record, text } from "../../cities/shape.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { errnoOf, meshError } from "./errors.ts";
import {
  HOST_KEYS_MAX,
  PARALLEL_MAX,
  PARALLEL_MIN,
  PEERS_MAX,
  PROBE_SPREAD_SECONDS,
  SETTINGS_FILE_MAX,
} from "./limits.ts";

const path = text(1024, /^[^\0]+$/);
const name = text(253);
const PORT_MAX = 65_535;

const readSettingsDocument = record({
  version: oneOf(1),
  state: path,
  public: path,
  cities: path,
  keys: path,
  peers: listOf(
    record({
      node: text(32, NODE_LABEL),
      host: name,
      port: optional(count),
      user: optional(text(32, /^[a-z_][a-z0-9_-]*$/)),
      host_keys: listOf(text(2048, /^(?:ssh|ecdsa|sk-)[a-z0-9@.-]* [A-Za-z0-9+/]+=*$/), HOST_KEYS_MAX),
      peer_id: optional(peerIdText),
      files: optional(record({ my_vpn: path, peers: path })),
    }),
    PEERS_MAX,
  ),
  canonical_exit: optional(text(32, NODE_LABEL)),
  exit_hosts: optional(listOf(name, PEERS_MAX)),
  providers: optional(listOf(displayText, PEERS_MAX)),
  cap_primaries: optional(flag),
  parallel: optional(count),
  probe_spread_seconds: optional(count),
  subscription_url: optional(text(2048, /^https?:\/\/[\x21-\x7e]+$/)),
  practice: optional(record({ allow_loopback: flag, trusted_roots: optional(path) })),
  profile: optional(
    record({
      title: displayText,
      support_url: optional(displayText),
      web_page_url: optional(displayText),
      announcement: optional(displayText),
    }),
  ),
});

/** A node that the aggregator asks. */
export interface Peer {
  readonly node: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** As in `ssh_known_hosts`, without the name: `ssh-ed25519 AAAA…`. */
  readonly hostKeys: readonly string[];
  readonly peerId: string | undefined;
  /** The practice network alone: read here instead of over SSH. */
  readonly files: { readonly myVpn: string; readonly peers: string } | undefined;
}

export interface Settings {
  /** The file that they were read from. */
  readonly file: string;
  readonly stateDirectory: string;
  readonly publicDirectory: string;
  readonly citiesFile: string;
  /** Holds the private keys, one for each file of a node. */
  readonly keysDirectory: string;
  readonly peers: readonly Peer[];
  /** Whose keys `keys.json` holds. */
  readonly canonicalExit: string | undefined;
  /** Besides those that the nodes' own links and the list of peers name. */
  readonly exitHosts: readonly string[];
  readonly providers: readonly string[];
  readonly capPrimaries: boolean;
  readonly parallel: number;
  readonly probeSpreadSeconds: number;
  /** Where the public finds the list: what people scan. */
  readonly subscriptionUrl: string | undefined;
  /** The practice network alone: exits on this machine, and a root certificate of its own sites. */
  readonly allowLoopback: boolean;
  readonly trustedRootsFile: string | undefined;
  readonly profile: {
    readonly title: string;
    readonly supportUrl: string | undefined;
    readonly webPageUrl: string | undefined;
    readonly announcement: string | undefined;
  };
}

const DEFAULT_USER = "montana-net";
const SSH_PORT = 22;
const PROFILE = {
  title: "Montana",
  supportUrl: "https://github.com/efir369999/Montana/issues",
  webPageUrl: "https://montana.quest/net",
  announcement: undefined,
};

/** Throws `ProtocolError`: `mesh-settings-invalid`, `file-unreadable`. Relative paths count from the file's folder. */
export function readSettings(file: string): Settings {
  const document = readAs(file, SETTINGS_FILE_MAX, "mesh-settings-invalid", (body) =>
    readSettingsDocument(parseJson(body, SETTINGS_FILE_MAX), ""),
  );
  const at = (relative: string): string => resolve(dirname(file), relative);
  const { peers, parallel, practice, profile } = document;
  const settings: Settings = {
    file,
    stateDirectory: at(document.state),
    publicDirectory: at(document.public),
    citiesFile: at(document.cities),
    keysDirectory: at(document.keys),
    peers: peers.map(({ node, host, port = SSH_PORT, user = DEFAULT_USER, host_keys, peer_id, files }) => ({
      ...{ node, host, port, user, hostKeys: host_keys, peerId: peer_id },
      files: files && { myVpn: at(files.my_vpn), peers: at(files.peers) },
    })),
    canonicalExit: document.canonical_exit,
    exitHosts: document.exit_hosts ?? [],
    providers: document.providers ?? [],
    capPrimaries: document.cap_primaries ?? false,
    parallel: parallel ?? Math.min(PARALLEL_MAX, Math.max(PARALLEL_MIN, Math.ceil(peers.length / 4))),
    probeSpreadSeconds: document.probe_spread_seconds ?? PROBE_SPREAD_SECONDS,
    subscriptionUrl: document.subscription_url,
    allowLoopback: practice?.allow_loopback ?? false,
    trustedRootsFile: practice?.trusted_roots === undefined ? undefined : at(practice.trusted_roots),
    profile:
      profile === undefined
        ? PROFILE
        : {
            title: profile.title,
            supportUrl: profile.support_url,
            webPageUrl: profile.web_page_url,
            announcement: profile.announcement,
          },
  };
  const wrong = findWrong(settings);
  if (wrong !== undefined) throw meshError("mesh-settings-invalid", { file, ...wrong });
  return settings;
}

/** The cities as their operator wrote them. Throws `mesh-cities-invalid` with the reason and place, `file-unreadable`. */
export function readCities({ citiesFile }: Settings): Cities {
  return readAs(citiesFile, PUBLIC_FILE_MAX, "mesh-cities-invalid", decodeCities);
}

function findWrong(settings: Settings): { reason: string; at: string } | undefined {
  const { peers, canonicalExit, parallel, allowLoopback } = settings;
  const seen = new Set<string>();
  for (const [i, { node, host, port, hostKeys, files }] of peers.entries()) {
    const at = (field: string): string => `peers[${i}].${field}`;
    if (seen.has(node)) return { reason: "duplicate-node", at: at("node") };
    seen.add(node);
    if (!isHost(host)) return { reason: "bad-host", at: at("host") };
    if (port < 1 || port > PORT_MAX) return { reason: "bad-port", at: at("port") };
    if (files !== undefined && !allowLoopback) return { reason: "practice-only", at: at("files") };
    if (files === undefined && hostKeys.length === 0) return { reason: "host-key-missing", at: at("host_keys") };
  }
  if (canonicalExit !== undefined && !seen.has(canonicalExit)) return { reason: "unknown-node", at: "canonical_exit" };
  if (parallel < 1 || parallel > PARALLEL_MAX) return { reason: `not within 1 to ${PARALLEL_MAX}`, at: "parallel" };
  return undefined;
}

const isHost = (host: string): boolean =>
  parseIpv4(host) !== undefined || parseIpv6(host) !== undefined || isDnsName(host);

function readAs<T>(
  file: string,
  bytesMax: number,
  invalid: "mesh-settings-invalid" | "mesh-cities-invalid",
  read: (body: string) => T,
): T {
  let body;
  try {
    if (statSync(file).size > bytesMax) throw meshError(invalid, { file, reason: "too-large", at: "" });
    body = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    throw meshError("file-unreadable", { file, errno: errnoOf(error) });
  }
  try {
    return read(body);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const { code, params } = error as ProtocolError;
    throw meshError(invalid, { file, reason: code, at: params["at"] ?? "" });
  }
}
