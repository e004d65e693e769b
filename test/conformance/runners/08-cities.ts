/** Suites of chapter 08 about what client and operator of the mesh share. */
import { aggregate, cityBodies, type Aggregation, type Fetched } from "../../../main/cities/aggregation.ts";
import { capacityFor } from "../../../main/cities/capacity.ts";
import { decodeCities, findCitiesFault } from "../../../main/cities/cities.ts";
import { deepLinks } from "../../../main/cities/deepLinks.ts";
import { discoverPeers } from "../../../main/cities/discovery.ts";
import { answerRequest, preparePages, type Pages } from "../../../main/cities/endpoints.ts";
import { orderCandidates } from "../../../main/cities/failover.ts";
import { recordProbe, unprobed } from "../../../main/cities/health.ts";
import { parseJournalLine } from "../../../main/cities/journal.ts";
import { decodeMyVpn, keysOf } from "../../../main/cities/myVpn.ts";
import { networkDocument, toldBy } from "../../../main/cities/network.ts";
import { parseNodeStatus } from "../../../main/cities/nodeStatus.ts";
import { scanForPublication } from "../../../main/cities/publicationGate.ts";
import { redactLine } from "../../../main/cities/redaction.ts";
import { buildShareLink, parseShareLink } from "../../../main/cities/shareLink.ts";
import { decodeSubscription } from "../../../main/cities/subscription.ts";
import { readSubscriptionHeaders, subscriptionHeaders } from "../../../main/cities/subscriptionHeaders.ts";
import { DISCONNECTED, nextTunnel, type TunnelEvent } from "../../../main/vpn/tunnelState.ts";
import type { Input, RunContext, Runner } from "../harness.ts";
import { big } from "./inputs.ts";

const mapOf = <T>(dictionary: Readonly<Record<string, T>> | undefined): Map<string, T> =>
  new Map(Object.entries(dictionary ?? {}));

/** `{body}`, `{missing: true}` or `{error}`. */
function fetchedFrom(input: Input): Fetched {
  if (typeof input.body === "string") return { kind: "body", body: input.body };
  return { kind: input.missing === true ? "missing" : "failed" };
}

/** A document, `"missing"` or null for a fetch that failed. */
function fetchedDocument(value: unknown): Fetched {
  if (value === "missing") return { kind: "missing" };
  return value === null || value === undefined ? { kind: "failed" } : { kind: "body", body: JSON.stringify(value) };
}

/** Pages of a network of the fixtures, null for one that has collected nothing. */
function pagesOf(network: string | null, { crypto, fixtures }: RunContext): Pages {
  const profile = { title: "Montana" };
  const publish = (subscription: string | undefined, cities: ReadonlyMap<string, string>): Pages =>
    preparePages((bytes) => crypto.sha256(bytes), { subscription, cities, documents: new Map(), profile });
  if (network === null) return publish(undefined, new Map());
  const folder = `mesh/${network}`;
  const peers = fixtures.list(`${folder}/nodes`);
  const fetched = peers.map((node): [string, Fetched] => {
    const hasFile = fixtures.list(`${folder}/nodes/${node}`).includes("my-vpn.json");
    const body = hasFile ? fixtures.read(`${folder}/nodes/${node}/my-vpn.json`) : undefined;
    return [node, body === undefined ? { kind: "missing" } : { kind: "body", body }];
  });
  const run = aggregate({ nowUnix: 0, peers, fetched: new Map(fetched), lastGood: new Map() });
  const { cities } = decodeCities(fixtures.read(`${folder}/cities.json`));
  return publish(run.body, cityBodies(run.entries, cities));
}

function subscriptionStatus({ body }: Aggregation, { crypto }: RunContext): number {
  const published = { subscription: body, cities: new Map(), documents: new Map(), profile: { title: "" } };
  const pages = preparePages((bytes) => crypto.sha256(bytes), published);
  return answerRequest(pages, { method: "GET", path: "/vpn/sub" }).status;
}

export const citiesRunners: Readonly<Record<string, Runner>> = {
  "08-mesh-vpn/vless-build": (input) => ({ url: buildShareLink(input) }),

  "08-mesh-vpn/vless-parse": ({ url }) => parseShareLink(url),

  "08-mesh-vpn/my-vpn": ({ body, expected_node, allow_loopback }) => decodeMyVpn(body, expected_node, allow_loopback),

  "08-mesh-vpn/keys-json": ({ my_vpn, now_unix }) => ({ keys: keysOf(my_vpn, now_unix) }),

  "08-mesh-vpn/sub-body": (input, context) => {
    const { fetch, last_good, previous_body } = input;
    const run = aggregate({
      nowUnix: input.now_unix,
      peers: input.peers,
      fetched: new Map([...mapOf<Input>(fetch)].map(([node, answer]) => [node, fetchedFrom(answer)])),
      lastGood: mapOf(last_good),
      previousBody: previous_body ?? undefined,
      allowLoopback: input.allow_loopback,
    });
    const { lines, sources, lastGood, body = null } = run;
    return { status: subscriptionStatus(run, context), body, lines, sources, last_good: lastGood };
  },

  "08-mesh-vpn/sub-decode": ({ body }) => {
    const { fault, servers, skipped, meta } = decodeSubscription(body);
    const reasons = skipped.map(({ reason }) => reason);
    return fault === undefined ? { servers, skipped: reasons, meta } : { error: fault, skipped: reasons };
  },

  "08-mesh-vpn/sub-headers": ({ emit, parse }) => {
    if (emit !== undefined) {
      return {
        headers: mapOf(
          subscriptionHeaders({
            title: emit.title,
            intervalHours: emit.interval_hours,
            supportUrl: emit.support_url,
            webPageUrl: emit.web_page_url,
            announcement: emit.announce,
          }),
        ),
      };
    }
    const { title, intervalHours, userinfo, supportUrl, webPageUrl } = readSubscriptionHeaders(mapOf<string>(parse));
    return { title, interval_hours: intervalHours, userinfo, support_url: supportUrl, web_page_url: webPageUrl };
  },

  "08-mesh-vpn/cities-validate": ({ cities }) => ({ error: findCitiesFault(cities)?.reason ?? null }),

  "08-mesh-vpn/failover-order": ({ network, health, chosen, strict }, { fixtures }) => {
    const { cities } = decodeCities(fixtures.read(`mesh/${network}/cities.json`));
    const order = orderCandidates({ cities, health: mapOf(health), chosen, strict });
    return order.fault === undefined ? { order: order.candidates } : { error: order.fault };
  },

  "08-mesh-vpn/health": ({ start_unix, step_seconds, probes, timeline, node = "n", city = "abc" }) => {
    const regular = (probes ?? []).map((result: string, i: number) => [i * step_seconds, result, 40]);
    const results: readonly [number, Input, number][] = timeline ?? regular;
    const states: string[] = [];
    let final = unprobed(node, city);
    for (const [offset, result, ms] of results) {
      const probe = result === "ok" ? { handshakeMs: ms } : { error: result };
      final = recordProbe(final, probe, Number(start_unix) + offset);
      states.push(final.state);
    }
    return { states, final };
  },

  "08-mesh-vpn/network-json": ({ now_unix, nodes, peers }) => {
    const told = new Map([...mapOf(peers)].map(([node, value]) => [node, toldBy(node, fetchedDocument(value))]));
    return { network: networkDocument({ nowUnix: now_unix, nodes, told }) };
  },

  "08-mesh-vpn/journal-lines": ({ line }) => ({ event: parseJournalLine(line) ?? null }),

  "08-mesh-vpn/discovery": ({ now_unix, witnesses, known }) => ({
    discovered_peers: discoverPeers(now_unix, witnesses, new Set(known)).peers,
  }),

  "08-mesh-vpn/node-status": ({ text }) => ({ status: parseNodeStatus(text) ?? null }),

  "08-mesh-vpn/privacy-scan": ({ text, exit_hosts, providers }) => ({
    violations: scanForPublication(text, { exitHosts: exit_hosts, providers }),
  }),

  "08-mesh-vpn/redaction": ({ line }) => ({ line: redactLine(line) }),

  "08-mesh-vpn/tunnel-state": ({ kill_switch, candidates, events }) => {
    let tunnel = DISCONNECTED;
    const states = (events as TunnelEvent[]).map((event) => {
      tunnel = nextTunnel(tunnel, event, { killSwitch: kill_switch, candidates });
      return tunnel.state;
    });
    return { states };
  },

  "08-mesh-vpn/deep-links": ({ url, name }) => deepLinks(url, name),

  "08-mesh-vpn/endpoints": ({ network, method, path, if_none_match }, context) =>
    answerRequest(pagesOf(network, context), { method, path, ifNoneMatch: if_none_match }),

  "08-mesh-vpn/scale": (input) => {
    const capacity = capacityFor({
      users: big(input.users),
      activePermille: big(input.active_permille),
      userKbps: big(input.user_kbps),
      uplinkMbps: big(input.uplink_mbps),
      urlBytes: big(input.url_bytes),
      refreshSeconds: big(input.refresh_seconds),
    });
    return {
      active_sessions: capacity?.activeSessions,
      sessions_per_node: capacity?.sessionsPerNode,
      nodes: capacity?.nodes,
      sub_bytes: capacity?.subscriptionBytes,
      requests_per_second: capacity?.requestsPerSecond,
    };
  },
};
