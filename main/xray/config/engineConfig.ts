/** The engine's configuration as far as this program writes it (chapter 08 §3.9, §3.10): what goes to its standard input. */

export interface EngineConfig {
  readonly log: { readonly loglevel: "info" | "none"; readonly access: "none" };
  readonly dns?: object;
  readonly inbounds: readonly Inbound[];
  readonly outbounds: readonly Outbound[];
  readonly routing?: {
    readonly domainStrategy: "AsIs" | "IPIfNonMatch" | "IPOnDemand";
    readonly rules: readonly Rule[];
    readonly balancers?: readonly { readonly tag: string; readonly selector: readonly string[] }[];
  };
  readonly stats?: object;
  readonly policy?: { readonly system: Readonly<Record<string, boolean>> };
  readonly api?: { readonly tag: string; readonly listen?: string; readonly services: readonly string[] };
}

export interface Inbound {
  readonly tag: string;
  readonly protocol: string;
  readonly listen?: string;
  readonly port?: number;
  readonly settings?: object;
  readonly streamSettings?: object;
  readonly sniffing?: object;
}

export interface Outbound {
  readonly tag: string;
  readonly protocol: string;
  readonly settings?: object;
  readonly streamSettings?: object;
  readonly sendThrough?: string;
}

export interface Rule {
  readonly type: "field";
  readonly inboundTag?: readonly string[];
  readonly user?: readonly string[];
  readonly domain?: readonly string[];
  readonly ip?: readonly string[];
  readonly protocol?: readonly string[];
  readonly network?: string;
  readonly port?: string;
  readonly outboundTag?: string;
  readonly balancerTag?: string;
}

/** Spelled out because `geoip:private` needs a data file that is not there (§3.9). */
export const PRIVATE_RANGES: readonly string[] = [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"],
  ...["192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4"],
  ...["::/128", "::1/128", "fc00::/7", "fe80::/10", "ff00::/8"],
];

export const SNIFFED = { enabled: true, destOverride: ["http", "tls", "quic"] } as const;
