/** The engine as a client: one way out per candidate, one of them selected (chapter 08 §3.10, §10.4 to §10.7). */
import { parseIpv4, parseIpv6 } from "../../cities/addresses.ts";
import type { ShareLink } from "../../cities/shareLink.ts";
import { engineError } from "../errors.ts";
import { apiParts, ownerOnly, type ApiEndpoint } from "./apiEndpoint.ts";
import { PRIVATE_RANGES, SNIFFED, type EngineConfig, type Inbound, type Outbound, type Rule } from "./engineConfig.ts";

/** The balancer that decides which exit new connections take. */
export const EXIT_BALANCER = "exit";
const EXIT_PREFIX = "exit-";
/** Also the name of the counters: `outbound>>>TAG>>>…`. */
export const exitTag = (code: string): string => EXIT_PREFIX + code;
export const isExitTag = (tag: string): boolean => tag.startsWith(EXIT_PREFIX);

export interface ClientExit {
  /** Names the outbound. No code may be the beginning of another one. */
  readonly code: string;
  readonly link: ShareLink;
}

export interface ClientParameters {
  readonly exits: readonly ClientExit[];
  /** Code of the exit that traffic takes until the balancer is overridden. */
  readonly selected: string;
  /** Of the local SOCKS and HTTP proxy on 127.0.0.1. */
  readonly mixedPort: number;
  readonly api: ApiEndpoint;
  readonly bypass?: Bypass;
  /** Full-device mode. */
  readonly tun?: TunParameters;
  readonly probe?: ProbeEndpoint;
}

/** What does not go through the tunnel, besides private ranges (§10.7). */
export interface Bypass {
  /** `domain:`, `full:`, `keyword:` or `regexp:` and a text. */
  readonly domains: readonly string[];
  readonly cidrs: readonly string[];
}

export interface TunParameters {
  readonly name: string;
  /** Bytes. */
  readonly mtu: number;
  /** Resolvers that are asked through the exit. */
  readonly dns: readonly string[];
  /** How the engine's own packets stay out of the tunnel: a mark on Linux, the physical interface elsewhere. */
  readonly loopGuard: { readonly mark: number } | { readonly interface: string };
  /** Name of an exit → its address, looked up outside the tunnel. */
  readonly resolved: ReadonlyMap<string, string>;
  /** Ports that are closed on private addresses: a resolver there that speaks TLS would learn every name. */
  readonly closedLocally?: string;
}

/**
 * An HTTP proxy that takes each request through the exit whose code is the user name, whatever is selected: for measuring
 * candidates without disturbing traffic. Behind a socket of the owner's, the password may be any.
 */
export type ProbeEndpoint = ({ readonly socket: string } | { readonly port: number }) & { readonly password: string };

const EXIT_CODE = /^[a-z0-9][a-z0-9-]{0,63}$/;

/** Throws `unknown-exit`, `bad-exit-code`, `exit-not-resolved`, `bad-bypass-domain`, `bad-bypass-cidr`, `bad-dns-server`, `bad-socket-path`. */
export function clientConfig(parameters: ClientParameters): EngineConfig {
  const { exits, selected, mixedPort, tun, probe } = parameters;
  checkCodes(exits, selected);
  const api = apiParts(parameters.api, ["StatsService", "RoutingService"]);
  const sockopt = tun === undefined ? {} : { sockopt: tun.loopGuard };
  const sniffing = { ...SNIFFED, routeOnly: true };
  const mixed: Inbound = {
    tag: "mixed-in",
    listen: "127.0.0.1",
    port: mixedPort,
    protocol: "mixed",
    settings: { auth: "noauth", udp: true, ip: "127.0.0.1" },
    sniffing,
  };
  const tunIn = (): Inbound => ({
    tag: "tun-in",
    port: 0,
    protocol: "tun",
    settings: { name: tun!.name, MTU: tun!.mtu },
    sniffing,
  });
  return {
    // Failures are told at info only.
    log: { loglevel: "info", access: "none" },
    ...(tun && { dns: { servers: checkResolvers(tun.dns), queryStrategy: "UseIP", tag: "dns-internal" } }),
    inbounds: [mixed, ...(tun ? [tunIn()] : []), ...(probe ? [probeInbound(probe, exits)] : []), ...api.inbounds],
    outbounds: [
      // What no rule routes goes to the first.
      { tag: "block", protocol: "blackhole" },
      ...exits.map((exit) => exitOutbound(exit, tun)),
      { tag: "direct", protocol: "freedom", ...(tun && { streamSettings: sockopt }) },
      ...(tun ? [{ tag: "dns-out", protocol: "dns" }] : []),
    ],
    routing: {
      domainStrategy: "AsIs",
      rules: [...api.rules, ...(probe ? probeRules(exits) : []), ...trafficRules(parameters)],
      balancers: [{ tag: EXIT_BALANCER, selector: [exitTag(selected)] }],
    },
    stats: {},
    policy: { system: { statsOutboundUplink: true, statsOutboundDownlink: true } },
    api: api.api,
  };
}

function trafficRules({ tun, bypass }: ClientParameters): Rule[] {
  const domains = checkDomains(bypass?.domains ?? []);
  const cidrs = checkCidrs(bypass?.cidrs ?? []);
  const ofTun: Rule[] = [
    { type: "field", inboundTag: ["tun-in"], port: "53", outboundTag: "dns-out" },
    { type: "field", inboundTag: ["dns-internal"], network: "tcp,udp", balancerTag: EXIT_BALANCER },
  ];
  const { closedLocally: port } = tun ?? {};
  return [
    ...(tun ? ofTun : []),
    ...(port === undefined
      ? []
      : [{ type: "field", inboundTag: ["tun-in"], ip: PRIVATE_RANGES, port, outboundTag: "block" } as const]),
    ...(domains.length > 0 ? [{ type: "field", domain: domains, outboundTag: "direct" } as const] : []),
    { type: "field", ip: [...PRIVATE_RANGES, ...cidrs], outboundTag: "direct" },
    { type: "field", network: "tcp,udp", balancerTag: EXIT_BALANCER },
  ];
}

/**
 * What the engine reads as a path, maybe with a query: it panics, with every route in it, over another host's path or an escape
 * that is none. The path matters only where somebody else answers in the exit's place.
 */
const READABLE_PATH = /^\/(?!\/(?!\/))(?:[^%\p{Cc}]|%[0-9a-f]{2})*$/iu;

function exitOutbound({ code, link }: ClientExit, tun: TunParameters | undefined): Outbound {
  const user = { id: link.uuid, encryption: "none", ...(link.flow !== "" && { flow: link.flow }) };
  return {
    tag: exitTag(code),
    protocol: "vless",
    settings: { vnext: [{ address: addressOf(link.host, tun), port: link.port, users: [user] }] },
    streamSettings: {
      network: "tcp",
      security: "reality",
      realitySettings: {
        show: false,
        fingerprint: link.fp,
        serverName: link.sni,
        publicKey: link.pbk,
        shortId: link.sid,
        spiderX: READABLE_PATH.test(link.spx) ? link.spx : "/",
      },
      ...(tun && { sockopt: tun.loopGuard }),
    },
  };
}

/** A look-up of a name would itself enter the tunnel and wait for the exit. */
function addressOf(host: string, tun: TunParameters | undefined): string {
  if (tun === undefined || isIp(host)) return host;
  const address = tun.resolved.get(host);
  if (address === undefined || !isIp(address)) throw engineError("exit-not-resolved", { host });
  return address;
}

function probeInbound(probe: ProbeEndpoint, exits: readonly ClientExit[]): Inbound {
  const accounts = exits.map(({ code }) => ({ user: code, pass: probe.password }));
  const where = "socket" in probe ? { listen: ownerOnly(probe.socket) } : { listen: "127.0.0.1", port: probe.port };
  return { tag: PROBE_IN, ...where, protocol: "http", settings: { accounts } };
}

const PROBE_IN = "probe-in";

const probeRules = (exits: readonly ClientExit[]): Rule[] =>
  exits.map(({ code }) => ({ type: "field", inboundTag: [PROBE_IN], user: [code], outboundTag: exitTag(code) }));

/** The engine selects and counts outbounds by the beginning of their tags. */
function checkCodes(exits: readonly ClientExit[], selected: string): void {
  const sorted = exits.map(({ code }) => code).sort();
  const bad = sorted.find((code, i) => !EXIT_CODE.test(code) || sorted[i + 1]?.startsWith(code));
  if (bad !== undefined) throw engineError("bad-exit-code", { code: bad });
  if (!sorted.includes(selected)) throw engineError("unknown-exit", { code: selected });
}

/** Throws `bad-bypass-domain` or `bad-bypass-cidr`, before anything is started with such a rule. */
export function requireBypass({ domains, cidrs }: Bypass): void {
  checkDomains(domains);
  checkCidrs(cidrs);
}

/** Literal rules only: lists by name need data files, and a bare word would match inside of names. */
function checkDomains(domains: readonly string[]): readonly string[] {
  const bad = domains.find((domain) => !/^(?:domain|full|keyword|regexp):\S+$/.test(domain));
  if (bad !== undefined) throw engineError("bad-bypass-domain", { domain: bad });
  return domains;
}

function checkCidrs(cidrs: readonly string[]): readonly string[] {
  const bad = cidrs.find((cidr) => !isCidr(cidr));
  if (bad !== undefined) throw engineError("bad-bypass-cidr", { cidr: bad });
  return cidrs;
}

function isCidr(text: string): boolean {
  const [address = "", length, ...rest] = text.split("/");
  const lengthMax = parseIpv4(address) ? 32 : parseIpv6(address) ? 128 : -1;
  if (length === undefined) return lengthMax >= 0;
  return rest.length === 0 && /^(?:0|[1-9]\d{0,2})$/.test(length) && Number(length) <= lengthMax;
}

function checkResolvers(servers: readonly string[]): readonly string[] {
  const bad = servers.find((server) => server.includes("+local") || server === "localhost");
  if (bad !== undefined) throw engineError("bad-dns-server", { server: bad });
  return servers;
}

const isIp = (host: string): boolean => parseIpv4(host) !== undefined || parseIpv6(host) !== undefined;
