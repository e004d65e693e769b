/** The engine's configuration for a city: that of chapter 08 §3.9, with a gate that closes without ending what is under way. */
import { parseShareLink } from "../../cities/shareLink.ts";
import type { ApiEndpoint } from "../../xray/config/apiEndpoint.ts";
import type { EngineConfig, Inbound } from "../../xray/config/engineConfig.ts";
import { exitConfig, relayConfig, type ExitParameters } from "../../xray/config/serverConfig.ts";
import type { Decoy, Door, ExitRecord } from "./record.ts";

/** The balancer that new connections go through, and where it leads. */
export const GATE = "gate";
export const OPEN = "direct";
export const SHUT = "blocked";

/** Names resolve here, in the city. */
const RESOLVERS = ["https+local://1.1.1.1/dns-query", "1.1.1.1"];
const PUBLISHED_ACCOUNT = "subscription";

export function engineConfigOf(record: ExitRecord, api: ApiEndpoint, isShut: boolean): EngineConfig {
  return withGate(record.relay === null ? exitOf(record, api) : relayOf(record, record.relay, api), isShut);
}

function exitOf(record: ExitRecord, api: ApiEndpoint): EngineConfig {
  const [first, ...others] = record.doors;
  if (first === undefined || record.decoy === null) throw new Error("an exit without keys");
  const config = exitConfig({ ...parametersOf(record, record.decoy, first), api });
  const further = others.map((door, i): Inbound => {
    const [inbound] = exitConfig(parametersOf(record, record.decoy!, door)).inbounds;
    return { ...inbound!, tag: `${inbound!.tag}-${i + 2}` };
  });
  const [main, ...rest] = config.inbounds;
  return { ...config, inbounds: [main!, ...further, ...rest] };
}

function parametersOf(
  { listen, practice }: ExitRecord,
  decoy: Decoy,
  { port, privateKey, accounts }: Door,
): ExitParameters {
  return {
    listen,
    port,
    dest: `${decoy.host.includes(":") ? `[${decoy.host}]` : decoy.host}:${decoy.port}`,
    serverNames: [decoy.name],
    shortIds: accounts.map(({ shortId }) => shortId),
    privateKey,
    clients: accounts.map(({ uuid, untilUnix }, i) => ({
      id: uuid,
      email: untilUnix === null ? PUBLISHED_ACCOUNT : `${PUBLISHED_ACCOUNT}-${i + 1}`,
    })),
    dns: practice === null ? RESOLVERS : ["localhost"],
    ...(practice !== null && {
      allowLoopback: true,
      dnsHosts: Object.fromEntries(practice.hosts.map(({ name, address }) => [name, address])),
      ...(practice.leavesFrom !== null && { sendThrough: practice.leavesFrom }),
    }),
  };
}

function relayOf(
  { listen, practice }: ExitRecord,
  relay: NonNullable<ExitRecord["relay"]>,
  api: ApiEndpoint,
): EngineConfig {
  const { host: exitHost, port: exitPort } = parseShareLink(relay.link);
  const leavesFrom = practice?.leavesFrom ?? null;
  const config = relayConfig({
    ...{ listen, port: relay.port, exitHost, exitPort, api },
    ...(leavesFrom !== null && { sendThrough: leavesFrom }),
  });
  return { ...config, outbounds: [...config.outbounds, { tag: SHUT, protocol: "blackhole" }] };
}

function withGate(config: EngineConfig, isShut: boolean): EngineConfig {
  const { routing, api } = config;
  if (routing === undefined || api === undefined) throw new Error("an engine that cannot be asked");
  const steered = api.listen === undefined ? { ...api, services: [...api.services, "RoutingService"] } : api;
  return {
    ...config,
    api: steered,
    routing: {
      // The rule of the gate matches everything: names must have been resolved before it, or one that leads to a private
      // address would get past the rules for those.
      domainStrategy: routing.domainStrategy === "IPIfNonMatch" ? "IPOnDemand" : routing.domainStrategy,
      rules: [...routing.rules, { type: "field", network: "tcp,udp", balancerTag: GATE }],
      balancers: [{ tag: GATE, selector: [isShut ? SHUT : OPEN] }],
    },
  };
}

/** Of the counters of an engine with {@link engineConfigOf}: what clients sent and got, in bytes, since its start. */
export function cityTraffic(counters: ReadonlyMap<string, bigint>): { readonly up: bigint; readonly down: bigint } {
  let [up, down] = [0n, 0n];
  for (const [name, value] of counters) {
    const [kind, tag = "", , direction] = name.split(">>>");
    if (kind !== "inbound" || !/^(?:reality|relay)-in/.test(tag)) continue;
    if (direction === "uplink") up += value;
    if (direction === "downlink") down += value;
  }
  return { up, down };
}
