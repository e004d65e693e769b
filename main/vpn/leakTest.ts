/** What can be seen of this computer while the tunnel is up (chapter 08 §10.6). */
import { isIP } from "node:net";

import type { ErrorParams } from "../protocol/errors.ts";
import { directTransport, tunnelTransport, type Transport } from "./subscriptions/transport.ts";
import type { ProxyEndpoint, Route } from "./tunnelPorts.ts";
import { findWays, type Ways } from "./wholeDevice/ways.ts";
import { DEVICE_INTERFACE } from "./wholeDevice/wholeDevice.ts";

export interface LeakCheck {
  readonly what: "tunnel" | "exit" | "own-address" | "resolvers" | "ipv6";
  readonly result: "ok" | "leak" | "unknown";
  readonly notice: { readonly code: string; readonly params: ErrorParams };
}

export interface LeakTestOptions {
  readonly proxy: ProxyEndpoint;
  /** City where traffic should come out. */
  readonly city: string;
  /** Whether programs that know nothing of the proxy are covered, too. */
  readonly isWholeDevice: boolean;
  readonly routes: readonly Route[];
  readonly probeUrls: readonly string[];
  /** Answers with its caller's address; none where the person set none. */
  readonly addressUrl: string | null;
}

/** Milliseconds of one question. */
const TIMEOUT = 10_000;
const ANSWER_MAX = 4096;

/** Never throws: what could not be found out is `unknown`. */
export async function testLeaks(options: LeakTestOptions): Promise<LeakCheck[]> {
  const { proxy, probeUrls, addressUrl } = options;
  const through = tunnelTransport(proxy);
  const answers = await Promise.all(probeUrls.slice(0, 1).map((url) => ask(through, url)));
  const isUp = answers.some((answer) => answer !== undefined);
  const tunnel = { what: "tunnel", result: isUp ? "ok" : "unknown" } as const;
  const checks: LeakCheck[] = [
    { ...tunnel, notice: { code: isUp ? "leak-tunnel-answers" : "leak-tunnel-silent", params: {} } },
  ];
  if (options.isWholeDevice) checks.push(...judgeWays(await findWays(DEVICE_INTERFACE)));
  if (addressUrl === null) return [...checks, unknown("exit", "leak-no-address-site")];
  const [seen, own] = await Promise.all([ask(through, addressUrl), ask(directTransport, addressUrl)]);
  return [...checks, judgeExit(options, addressIn(seen)), judgeOwn(options, addressIn(seen), addressIn(own))];
}

/** In whole-device mode the kernel says which way names and IPv6 would take. */
function judgeWays({ resolvers, ipv6 }: Ways): LeakCheck[] {
  const outside = [...resolvers.values()].filter((way) => way === "outside").length;
  const names: LeakCheck =
    outside > 0
      ? { what: "resolvers", result: "leak", notice: { code: "leak-resolvers-outside", params: { count: outside } } }
      : { what: "resolvers", result: "ok", notice: { code: "leak-resolvers-inside", params: {} } };
  if ([...resolvers.values()].includes("unknown")) return [unknown("resolvers", "leak-ways-unknown")];
  if (ipv6 === "unknown") return [names, unknown("ipv6", "leak-ways-unknown")];
  const isOutside = ipv6 === "outside";
  const code = isOutside ? "leak-ipv6-outside" : ipv6 === "tunnel" ? "leak-ipv6-inside" : "leak-ipv6-blocked";
  return [names, { what: "ipv6", result: isOutside ? "leak" : "ok", notice: { code, params: {} } }];
}

const unknown = (what: LeakCheck["what"], code: string): LeakCheck => ({
  what,
  result: "unknown",
  notice: { code, params: {} },
});

/** An exit may come out at another address than it is entered at: only a match says something. */
function judgeExit({ city, routes }: LeakTestOptions, seen: string | undefined): LeakCheck {
  if (seen === undefined) return unknown("exit", "leak-address-unknown");
  const found = routes.find(({ link }) => link.host === seen)?.city;
  if (found === undefined)
    return { what: "exit", result: "unknown", notice: { code: "leak-exit-unlisted", params: { city } } };
  const params = { city, seen: found };
  return found === city
    ? { what: "exit", result: "ok", notice: { code: "leak-exit-right", params } }
    : { what: "exit", result: "leak", notice: { code: "leak-exit-other", params } };
}

/** In whole-device mode what goes directly is a leak; in the others it shows what the sites must not see through the tunnel. */
function judgeOwn({ isWholeDevice }: LeakTestOptions, seen: string | undefined, own: string | undefined): LeakCheck {
  if (seen === undefined || own === undefined) return unknown("own-address", "leak-address-unknown");
  const isLeak = isWholeDevice ? seen !== own : seen === own;
  return {
    what: "own-address",
    result: isLeak ? "leak" : "ok",
    notice: { code: isLeak ? "leak-address-shown" : "leak-address-hidden", params: {} },
  };
}

function addressIn(answer: string | undefined): string | undefined {
  const [text] = /[0-9a-f.:]{2,45}/i.exec(answer?.trim() ?? "") ?? [];
  return text !== undefined && isIP(text) !== 0 ? text : undefined;
}

async function ask(transport: Transport, url: string): Promise<string | undefined> {
  try {
    const answer = await transport(new URL(url), { "user-agent": "Montana" }, AbortSignal.timeout(TIMEOUT));
    try {
      let text = "";
      for await (const piece of answer.body) {
        text += new TextDecoder().decode(piece);
        if (text.length > ANSWER_MAX) break;
      }
      return text;
    } finally {
      answer.close();
    }
  } catch {
    return undefined;
  }
}
