/**
 * The tunnel's part of the contract. No answer holds the address of an exit. A city is named by its code, or by a name that
 * this program made up where an entry belongs to no known city.
 */
import { z } from "zod";

import { count, mutation, nothing, notice, query } from "./procedure.ts";

const IMAGE_BYTES_MAX = 8_388_608;
const IMPORT_LENGTH_MAX = 4_194_304;
export const DIRECT_RULES_MAX = 256;

/** A code, the name of a city, or what the list of cities calls it. */
const city = z.string().min(1).max(64);
/** Where traffic is led into the tunnel: a port that programs are told of, the desktop's proxy settings, the whole device. */
const mode = z.enum(["local", "proxy", "device"]);
const port = z.int().min(1).max(65_535);
/** `domain:`, `full:`, `keyword:` or `regexp:` and a text, a name (as `domain:`), an address or a range of them. */
const rule = z.string().min(1).max(512);
const url = z.url({ protocol: /^https?$/ }).max(2048);

const wish = {
  mode,
  /** When every exit fails, traffic stays blocked instead of going past the tunnel. */
  killSwitch: z.boolean(),
  /** No other city may stand in for the chosen one. */
  strict: z.boolean(),
  /** What goes past the tunnel, besides private ranges. */
  direct: z.array(rule).max(DIRECT_RULES_MAX),
  /** Of the local proxy; null for the usual one, or another where that is taken. */
  port: port.nullable(),
};

const rate = z.object({ atMs: z.number(), up: count, down: count });

const tunnelStatus = z.object({
  state: z.enum(["disconnected", "connecting", "connected", "reconnecting", "blocked", "disconnecting"]),
  /** What led into the state; null before anything happened. */
  cause: z.string().nullable(),
  /** Why the last attempt failed, or why traffic had to move. */
  fault: notice.nullable(),
  /** `auto` or a city; null before the first connect. */
  chosen: z.string().nullable(),
  /** Where traffic comes out, which may be another city than the chosen one; null while none does. */
  city: z.string().nullable(),
  /** Where traffic goes in, which may be a city that forwards it to the other; null while none does. */
  entry: z.string().nullable(),
  mode: mode.nullable(),
  killSwitch: z.boolean(),
  strict: z.boolean(),
  /** Of the local SOCKS5 and HTTP proxy, while the engine runs. */
  proxy: z.object({ host: z.string(), port }).nullable(),
  /** Of the session, with the engine's own few percent. */
  bytesUp: count,
  bytesDown: count,
  /** Bytes per second. */
  rate: rate.nullable(),
  sessionMs: z.number().nullable(),
  delayMs: z.number().nullable(),
  /** All traffic of the machine is led into the tunnel, or kept from leaving. */
  isWholeDevice: z.boolean(),
  /** Until then the kill switch lets everything past, for a network's sign-in page. */
  pausedUntilMs: z.number().nullable(),
  /** That page's address, which is the word of the network one is in; null where none was seen. */
  signInUrl: z.string().max(2048).nullable(),
  /** Cities that were asked just now whether they are there and did not answer, with the time at which they last did. */
  silentCities: z.array(z.object({ city, sinceMs: z.number() })),
  /** What should be known: a record of proxy settings that is damaged, the address to enter by hand, keys that changed. */
  notices: z.array(notice),
});

const health = z.object({
  state: z.enum(["unknown", "up", "degraded", "down", "expired"]),
  /** When the network looked; null where it never did. */
  atMs: z.number().nullable(),
});

const cityEntry = z.object({
  id: city,
  name: z.object({ en: z.string(), ru: z.string() }),
  country: z.string().nullable(),
  lat: z.number().nullable(),
  lon: z.number().nullable(),
  /** False for a node that carries no traffic. */
  hasVpn: z.boolean(),
  /** Of its node, as the network publishes it; null where it says nothing of the city. */
  nodePhase: z.string().max(64).nullable(),
  /** Where traffic comes out; null where it carries none. */
  exit: city.nullable(),
  /** Ways in, all of which are used. */
  routes: count,
  /** Ways in whose key changed: not used until they are accepted. */
  heldRoutes: count,
  /** As the network publishes it. */
  health: health.nullable(),
  /** As this computer measured it through the tunnel, of its fastest route; null before. */
  delayMs: z.number().nullable(),
  /** Why the last measurement failed. */
  fault: notice.nullable(),
  isInUse: z.boolean(),
});

const testedRoute = z.object({
  city,
  isOk: z.boolean(),
  /** Milliseconds from nothing to the first byte. */
  connectMs: z.number().nullable(),
  /** Milliseconds of a request on an open connection. */
  delayMs: z.number().nullable(),
  fault: notice.nullable(),
});

const leakCheck = z.object({
  what: z.enum(["tunnel", "exit", "own-address", "resolvers", "ipv6"]),
  result: z.enum(["ok", "leak", "unknown"]),
  /** What was found, in a sentence. */
  notice,
});

const subscriptionStatus = z.object({
  id: z.string(),
  url: z.string(),
  origin: z.enum(["person", "network"]),
  title: z.string().nullable(),
  servers: count,
  skipped: z.array(z.object({ line: count, reason: z.string() })),
  /** When what is used was last confirmed. */
  fetchedAtMs: z.number().nullable(),
  /** Bytes; null where its server says nothing. */
  used: z.number().nullable(),
  allowed: z.number().nullable(),
  expiresAtMs: z.number().nullable(),
  fault: notice.nullable(),
});
const subscriptionList = z.object({ subscriptions: z.array(subscriptionStatus), links: count });

const heldKey = z.object({
  /** Names the key; it stands for no other one. */
  id: z.string(),
  city,
  name: z.string(),
  /** `rotated`: the old one had worked until lately. `unexplained`: it had not. */
  verdict: z.enum(["rotated", "unexplained"]),
  isRefused: z.boolean(),
});
const keyList = z.object({ keys: z.array(heldKey) });

const chosen = {
  ...wish,
  /** Asked through the tunnel to see whether it works; null for the network's own. */
  probeUrl: url.nullable(),
  /** Answers with the caller's address, for the leak test; null for none. */
  addressUrl: url.nullable(),
  /** Connect to the last city when the host starts. */
  connectsAtStart: z.boolean(),
};
const vpnSettings = z.object({
  ...chosen,
  /** Whose cities these are. */
  network: z.string(),
  /** What is asked in fact; null where neither the network nor the person names a site. */
  probeUrlInForce: z.string().nullable(),
  /** The desktop whose proxy settings this program knows; null where there is none. */
  desktop: z.string().nullable(),
});

const repaired = z.object({
  proxy: z.enum(["nothing", "restored", "in-use"]),
  /** Settings that the person changed meanwhile, which stay. */
  kept: z.array(z.string()),
  engine: z.enum(["none", "gone", "ended", "unreadable", "survives", "in-use"]),
  /** Of the whole-device mode: ways into the tunnel and blocks. */
  device: z.enum(["nothing", "released", "in-use", "no-helper", "blocking"]),
  /** Where the damaged record of the settings lies now. */
  setAside: z.string().nullable(),
});

export const vpnContract = {
  vpnStatus: query(nothing, tunnelStatus),
  /** As `city` the place that traffic is to leave from, or `auto`. Answers when something came through, or says why nothing does. */
  vpnConnect: mutation(z.object({ city, ...z.object(wish).partial().shape }), tunnelStatus),
  /** Also cancels an attempt. When it answers, the machine is as it was before. */
  vpnDisconnect: mutation(nothing, tunnelStatus),
  /** Lets everything past a kill switch that holds, for a network's sign-in page; then the tunnel is tried again. 0 ends that. */
  vpnPauseBlock: mutation(z.object({ seconds: z.int().min(0).max(300) }), tunnelStatus),
  /** Whole-device mode's helper, on Linux: the desktop asks for an administrator's password; answers when that has ended. */
  vpnInstallHelper: mutation(nothing, tunnelStatus),
  /** Rates of the session, oldest first. */
  vpnHistory: query(nothing, z.object({ rates: z.array(rate) })),

  vpnCities: query(
    nothing,
    z.object({
      cities: z.array(cityEntry),
      /** When the network's list was confirmed. */ updatedAtMs: z.number().nullable(),
    }),
  ),
  /** Asks through every route whether it works; ends early when the caller goes away. */
  vpnTest: mutation(z.object({ city: city.optional() }), z.object({ routes: z.array(testedRoute) })),
  vpnLeaks: mutation(
    nothing,
    z.object({ mode: mode.nullable(), /** Which programs are covered. */ covered: notice, checks: z.array(leakCheck) }),
  ),

  /** What a person pasted: links, the address of a subscription, a montana: link; or a PNG or JPEG with a QR code, base64. */
  vpnImport: mutation(
    z
      .object({
        text: z.string().min(1).max(IMPORT_LENGTH_MAX).optional(),
        image: z
          .base64()
          .max(Math.ceil((4 * IMAGE_BYTES_MAX) / 3) + 4)
          .optional(),
      })
      .refine(({ text, image }) => (text === undefined) !== (image === undefined), "needs either `text` or `image`"),
    z.discriminatedUnion("kind", [
      /** Fetched once, whatever came of it. */
      z.object({ kind: z.literal("subscription"), subscription: subscriptionStatus }),
      z.object({
        kind: z.literal("links"),
        added: count,
        skipped: z.array(z.object({ line: count, reason: z.string() })),
      }),
      /** A deep link's wish; it is the person's to confirm. */
      z.object({ kind: z.literal("connect"), city }),
    ]),
  ),
  vpnSubscriptions: query(nothing, subscriptionList),
  vpnAddSubscription: mutation(z.object({ url: z.string().min(1).max(2048) }), subscriptionList),
  vpnRemoveSubscription: mutation(z.object({ id: z.string().min(1).max(2048) }), subscriptionList),
  /** Fetches all of them, and what the network says of its cities. */
  vpnRefresh: mutation(nothing, subscriptionList),

  /** Keys of cities that changed. */
  vpnKeys: query(nothing, keyList),
  /** A refused key is not used and not asked about again. */
  vpnJudgeKey: mutation(z.object({ id: z.string().min(1).max(64), isAccepted: z.boolean() }), keyList),

  vpnSettings: query(nothing, vpnSettings),
  /** What is left out stays. Gives all. In force from the next connect on. */
  vpnSetSettings: mutation(z.object(chosen).partial(), vpnSettings),

  /** Gives back what a program that was killed had borrowed of the machine. */
  vpnRepair: mutation(z.object({ setsAsideJournal: z.boolean().default(false) }), repaired),
};

/** Of the tunnel, once a second, to who asked for them. */
export const tunnelFigures = tunnelStatus.pick({
  bytesUp: true,
  bytesDown: true,
  rate: true,
  sessionMs: true,
  delayMs: true,
});
export const tunnelEvent = tunnelStatus;
