/** The engine on a server: an exit, or a relay in front of one (chapter 08 §3.9, §1). */
import { FLOW_VISION } from "../../cities/shareLink.ts";
import { apiParts, type ApiEndpoint } from "./apiEndpoint.ts";
import { PRIVATE_RANGES, SNIFFED, type EngineConfig, type Rule } from "./engineConfig.ts";

export interface ExitParameters {
  /** `0.0.0.0`, `::`, or one address. */
  readonly listen: string;
  readonly port: number;
  /** The decoy, `host:port`. */
  readonly dest: string;
  readonly serverNames: readonly string[];
  /** 0 to 16 hex digits each, an even count. */
  readonly shortIds: readonly string[];
  /** X25519, 43 characters base64url. */
  readonly privateKey: string;
  readonly clients: readonly ExitClient[];
  /** Resolvers: names resolve at the exit. */
  readonly dns: readonly string[];
  /** Names that resolve to a given address: for networks that no resolver knows. */
  readonly dnsHosts?: Readonly<Record<string, string>>;
  /** For figures; without it the engine tells nothing. */
  readonly api?: ApiEndpoint;
  /** Address that traffic leaves from, where the host has several. */
  readonly sendThrough?: string;
  /** For the practice network alone: an exit there reaches its own host's loopback. */
  readonly allowLoopback?: boolean;
  /** What strangers may pull through the decoy path. */
  readonly decoyDownloadLimit?: DownloadLimit;
}

export interface ExitClient {
  /** UUID. */
  readonly id: string;
  /** Any label; that of the published account is `subscription`. */
  readonly email: string;
}

export interface DownloadLimit {
  readonly afterBytes: number;
  readonly bytesPerSec: number;
  readonly burstBytesPerSec: number;
}

/** An exit that says nothing, reaches nobody's private network, sends no mail and carries no torrents. */
export function exitConfig(parameters: ExitParameters): EngineConfig {
  const { dns, dnsHosts, sendThrough, allowLoopback = false, decoyDownloadLimit } = parameters;
  const { streamSettings, settings } = baselineInbound(parameters);
  const api = parameters.api && apiParts(parameters.api, ["StatsService"]);
  const privateRanges = allowLoopback ? PRIVATE_RANGES.filter((range) => range !== "127.0.0.0/8") : PRIVATE_RANGES;
  const realitySettings = {
    show: false,
    xver: 0,
    ...streamSettings.realitySettings,
    ...(decoyDownloadLimit && { limitFallbackDownload: decoyDownloadLimit }),
  };
  const rules: readonly Rule[] = [
    { type: "field", port: "53", outboundTag: "dns-out" },
    { type: "field", ip: privateRanges, outboundTag: "blocked" },
    { type: "field", port: "25", outboundTag: "blocked" },
    { type: "field", protocol: ["bittorrent"], outboundTag: "blocked" },
  ];
  return {
    // At any other level a failing resolver logs visited names.
    log: { loglevel: "none", access: "none" },
    dns: { ...(dnsHosts && { hosts: dnsHosts }), servers: dns, queryStrategy: "UseIP" },
    inbounds: [
      {
        tag: "reality-in",
        listen: parameters.listen,
        port: parameters.port,
        protocol: "vless",
        settings: {
          ...settings,
          clients: parameters.clients.map(({ id, email }) => ({ id, email, flow: FLOW_VISION })),
        },
        streamSettings: { ...streamSettings, realitySettings },
        sniffing: SNIFFED,
      },
      ...(api?.inbounds ?? []),
    ],
    outbounds: [
      {
        tag: "direct",
        protocol: "freedom",
        ...(sendThrough !== undefined && { sendThrough }),
        settings: { domainStrategy: "UseIP" },
      },
      { tag: "blocked", protocol: "blackhole" },
      { tag: "dns-out", protocol: "dns" },
    ],
    // Without resolving, a public name of a private address would reach this host's loopback.
    routing: { domainStrategy: "IPIfNonMatch", rules: [...(api?.rules ?? []), ...rules] },
    ...(api && {
      stats: {},
      policy: { system: { statsInboundUplink: true, statsInboundDownlink: true } },
      api: api.api,
    }),
  };
}

/** The inbound of the whitepaper, exactly its keys (seed 5.1). */
export function baselineInbound({ port, dest, serverNames, shortIds, privateKey, clients }: ExitParameters) {
  return {
    port,
    protocol: "vless",
    streamSettings: {
      network: "tcp",
      security: "reality",
      realitySettings: { dest, serverNames, shortIds, privateKey },
    },
    settings: { clients: clients.map(({ id }) => ({ id, flow: FLOW_VISION })), decryption: "none" },
  };
}

export interface RelayParameters {
  readonly listen: string;
  readonly port: number;
  /** The exit: what arrives goes there unopened. */
  readonly exitHost: string;
  readonly exitPort: number;
  readonly api?: ApiEndpoint;
  readonly sendThrough?: string;
}

export function relayConfig({ listen, port, exitHost, exitPort, api, sendThrough }: RelayParameters): EngineConfig {
  const parts = api && apiParts(api, ["StatsService"]);
  return {
    log: { loglevel: "none", access: "none" },
    inbounds: [
      {
        tag: "relay-in",
        listen,
        port,
        protocol: "dokodemo-door",
        settings: { address: exitHost, port: exitPort, network: "tcp" },
      },
      ...(parts?.inbounds ?? []),
    ],
    outbounds: [{ tag: "direct", protocol: "freedom", ...(sendThrough !== undefined && { sendThrough }) }],
    ...(parts && {
      routing: { domainStrategy: "AsIs", rules: parts.rules },
      stats: {},
      policy: { system: { statsInboundUplink: true, statsInboundDownlink: true } },
      api: parts.api,
    }),
  };
}
