/** What a client of the mesh reads first: share links and subscriptions, and the notations inside them. */
import { formatIpv6, parseIpv4, parseIpv6, type Ipv4, type Ipv6 } from "../../../main/cities/addresses.ts";
import { decodeBase64, encodeBase64 } from "../../../main/cities/base64.ts";
import { SHARE_LINK_MAX, SUBSCRIPTION_LINES_MAX } from "../../../main/cities/limits.ts";
import { buildShareLink, parseShareLink, type ShareLink } from "../../../main/cities/shareLink.ts";
import { decodeSubscription, encodeSubscription } from "../../../main/cities/subscription.ts";
import { readSubscriptionHeaders, type ReadProfile } from "../../../main/cities/subscriptionHeaders.ts";
import { decodeUtf8, encodeUtf8 } from "../../../main/cities/utf8.ts";
import { ProtocolError } from "../../../main/protocol/errors.ts";
import { DEEP_LINK_MAX, importLink, parseDeepLink, type DeepLink } from "../../../main/vpn/subscriptions/deepLink.ts";
import { textDecoder, type AnyDecoder, type Decoder } from "../decoder.ts";
import type { Random } from "../random.ts";
import { listOf } from "../values.ts";

export const LINK = buildShareLink({
  uuid: "7414dedf-365d-41d3-ac10-29a65ea43844",
  host: "198.51.100.7",
  port: 443,
  sni: "www.decoy.example",
  pbk: "bOLP4GuOkdAzcgeEP2KqrxFakXUsqO8FzrPb7FU6K2w",
  sid: "6555199aae77f28b",
  label: "Montana FRA",
});

/** The link with one thing wrong, for each thing that can be. */
const BROKEN_LINKS = {
  "too-long": `${LINK}${"a".repeat(SHARE_LINK_MAX)}`,
  "bad-character": LINK.replace("@", "@ "),
  "not-vless": LINK.replace("vless", "VLESS"),
  "unexpected-path": LINK.replace("443?", "443/x?"),
  "missing-uuid": LINK.replace("@", ""),
  "bad-uuid": LINK.replace("7414dedf", "7414"),
  "missing-host": LINK.replace("198.51.100.7:443", ""),
  "bad-host": LINK.replace("198.51.100.7", "300.1.1.1"),
  "missing-port": LINK.replace(":443", ""),
  "bad-port": LINK.replace(":443", ":0443"),
  "bad-parameter": LINK.replace("&type=tcp", "&type"),
  "duplicate-parameter": LINK.replace("&type=tcp", "&type=tcp&type=tcp"),
  "bad-percent-encoding": LINK.replace("&type=tcp", "&x=%FF"),
  "unsupported-encryption": LINK.replace("encryption=none", "encryption=aes"),
  "unsupported-security": LINK.replace("reality", "tls"),
  "unsupported-transport": LINK.replace("type=tcp", "type=ws"),
  "unsupported-header-type": LINK.replace("type=tcp", "type=tcp&headerType=http"),
  "unsupported-flow": LINK.replace("rprx-vision", "rprx-direct"),
  "missing-sni": LINK.replace("sni=www.decoy.example&", ""),
  "bad-sni": LINK.replace("www.decoy.example", "192.0.2.1"),
  "unsupported-fingerprint": LINK.replace("chrome", "android"),
  "missing-public-key": LINK.replace(/&pbk=[^&]*/, ""),
  "bad-public-key": LINK.replace("pbk=b", "pbk="),
  "bad-short-id": LINK.replace("sid=6", "sid="),
  "bad-spider-x": LINK.replace("&type", "&spx=x&type"),
};

const DEEP_LINK_FAULTS = ["deep-link-invalid", "subscription-address-invalid"];
/** What is no share link at all is taken for the address of a subscription. */
const isReachedByDeepLink = (fault: string): boolean => fault !== "not-vless";

/** Text is cut into parts, each of them a pointer, and decoded. */
const PARTS = { base: 16_384, perByte: 32 };

export const linkDecoders: readonly AnyDecoder[] = [
  {
    name: "utf-8",
    of: [decodeUtf8],
    errors: ["not-utf-8"],
    allocation: PARTS,
    notations: "one",
    tokens: ["é", "€", "😀"].map(encodeUtf8),
    decode: (input) => orRefuse(decodeUtf8(input), "not-utf-8"),
    encode: encodeUtf8,
    generate: (random) => wellFormedText(random, 40),
  } satisfies Decoder<string>,

  textDecoder<Uint8Array>({
    name: "base64",
    of: [decodeBase64],
    errors: ["not-base64"],
    allocation: { base: 64, perByte: 1 },
    notations: "several",
    tokens: ["=", "==", "+/", "-_", "A"],
    decode: (text) => orRefuse(decodeBase64(text), "not-base64"),
    encode: encodeBase64,
    generate: (random) => random.bytes(random.small(100)),
  }),

  textDecoder<Ipv4>({
    name: "ipv4",
    of: [parseIpv4],
    errors: ["not-an-address"],
    allocation: PARTS,
    notations: "one",
    tokens: [".", "0", "255", "256", "01"],
    decode: (text) => orRefuse(parseIpv4(text), "not-an-address"),
    encode: (address) => address.join("."),
    generate: (random) => Array.from(random.bytes(4)) as unknown as Ipv4,
  }),

  textDecoder<Ipv6>({
    name: "ipv6",
    of: [parseIpv6],
    errors: ["not-an-address"],
    allocation: PARTS,
    notations: "several",
    tokens: ["::", ":", "ffff", "::ffff:1.2.3.4", "0", "1.2.3.4", "%eth0"],
    decode: (text) => orRefuse(parseIpv6(text), "not-an-address"),
    encode: formatIpv6,
    generate: ipv6,
  }),

  textDecoder<ShareLink>({
    name: "share-link",
    of: [parseShareLink],
    errors: Object.keys(BROKEN_LINKS),
    allocation: PARTS,
    notations: "several",
    tokens: [
      ...["encryption=", "security=reality", "&type=raw", "&headerType=", "&flow=", "&sni=", "&fp=Chrome", "&pbk="],
      ...["&sid=", "&spx=/", "#", "?", "@", "[::1]", "/", "%F0%9F", "%2", "vless://", "&=", "&&"],
    ],
    corpus: [
      ...[LINK, `${LINK}?x`, `${LINK}${"%F0%9F%98%80".repeat(80)}`, LINK.replace("198.51.100.7", "[2001:DB8:0:0::9]")],
      ...Object.values(BROKEN_LINKS),
      LINK.replace("&type", `&spx=/${"/".repeat(1000)}&type`),
    ],
    decode: parseShareLink,
    encode: buildShareLink,
    generate: shareLink,
  }),

  textDecoder<DeepLink>({
    name: "deep-link",
    of: [parseDeepLink],
    errors: [...Object.keys(BROKEN_LINKS).filter(isReachedByDeepLink), ...DEEP_LINK_FAULTS],
    allocation: PARTS,
    notations: "several",
    tokens: [
      ...[
        "montana://",
        "import?url=",
        "connect/",
        "connect/auto",
        "connect/fra",
        "https%3A%2F%2Fa.example%2F",
        "%2525",
      ],
      ...["http%3A%2F%2F[%3A%3A1]", "vless%3A%2F%2F", "%00", "%0A", "&url=", "#", "?", "user%40", "javascript%3A"],
    ],
    corpus: [
      ...["montana://connect/fra", "montana://connect/auto", "montana://connect/", importLink("https://a.example/b#c")],
      ...[
        importLink("https://u:p@a.example/"),
        importLink("file:///etc/passwd"),
        `montana://import?url=${"a".repeat(DEEP_LINK_MAX)}`,
      ],
      ...[LINK, ...Object.values(BROKEN_LINKS)].map(importLink),
    ],
    decode: parseDeepLink,
    encode: (link) =>
      link.kind === "connect"
        ? `montana://connect/${link.city}`
        : importLink(link.kind === "link" ? link.text : link.url),
    generate: (random) =>
      random.pick([
        (): DeepLink => ({ kind: "connect", city: random.pick(["auto", "fra", "msk"]) }),
        (): DeepLink => ({ kind: "subscription", url: `https://example.org/${random.small(1000)}` }),
        (): DeepLink => {
          const text = buildShareLink(shareLink(random));
          return { kind: "link", text, link: parseShareLink(text) };
        },
      ])(),
  }),

  textDecoder<readonly ShareLink[]>({
    name: "subscription",
    of: [decodeSubscription],
    errors: ["empty-subscription", "too-large"],
    allocation: PARTS,
    notations: "several",
    tokens: [`${LINK}\n`, "\r\n", "#a: b\n", "//", "ss://x\n", "=", "\ufeff"],
    corpus: [
      ...["", LINK, Object.values(BROKEN_LINKS).join("\n"), encodeSubscription([LINK, LINK])],
      ...[`#profile-title: x\n${LINK}`, "\n".repeat(SUBSCRIPTION_LINES_MAX) + LINK],
    ],
    decode: (text) => {
      const { fault, servers } = decodeSubscription(text);
      return orRefuse(fault === undefined ? servers : undefined, fault ?? "");
    },
    encode: (links) => encodeSubscription(links.map(buildShareLink)),
    generate: (random) => [shareLink(random), ...listOf(random, 4, shareLink)].filter(isFirstOfItsKind),
  }),

  textDecoder<ReadProfile>({
    name: "subscription-headers",
    of: [readSubscriptionHeaders],
    errors: ["nothing-said"],
    allocation: PARTS,
    notations: "several",
    tokens: [
      ...["profile-title: ", "base64:", "TW9udGFuYQ==", "Profile-Update-Interval: 12", "support-url: https://a"],
      ...["subscription-userinfo: upload=1; download=2", "; total=", "; expire=0", "\n"],
    ],
    decode(text) {
      const fields = text
        .split("\n", 100)
        .map((line) => [line.split(": ", 1)[0]!, line.replace(/^.*?: /, "")] as const);
      const profile = readSubscriptionHeaders(fields);
      const isEmpty = profile.title === null && profile.userinfo === null && profile.supportUrl === null;
      return orRefuse(isEmpty ? undefined : profile, "nothing-said");
    },
    encode: headerLines,
    generate: (random) => ({
      title: `t${wellFormedText(random, 20)}t`,
      intervalHours: 1 + random.below(168),
      userinfo: random.once(2)
        ? null
        : { upload: random.u32(), download: random.u32(), total: random.u32() || null, expire: null },
      supportUrl: random.once(2) ? null : "https://example.org/s",
      webPageUrl: random.once(2) ? null : "https://example.org/w",
    }),
  }),
];

function headerLines({ title, intervalHours, userinfo, supportUrl, webPageUrl }: ReadProfile): string {
  const { upload, download, total, expire } = userinfo ?? {};
  const numbers = `upload=${upload}; download=${download}; total=${total ?? 0}; expire=${expire ?? 0}`;
  return [
    ...(title === null ? [] : [`profile-title: base64:${encodeBase64(encodeUtf8(title))}`]),
    `profile-update-interval: ${intervalHours}`,
    ...(userinfo === null ? [] : [`subscription-userinfo: ${numbers}`]),
    ...(supportUrl === null ? [] : [`support-url: ${supportUrl}`]),
    ...(webPageUrl === null ? [] : [`profile-web-page-url: ${webPageUrl}`]),
  ].join("\n");
}

/** A reader of this room refuses by value; to the fuzzer that is an exception. */
export function orRefuse<T>(value: T | undefined, code: string): T {
  if (value === undefined) throw new ProtocolError(code);
  return value;
}

/** No control characters; neither a space at an end nor half of a pair. */
export function wellFormedText(random: Random, unitsMax: number): string {
  const points = ["a", "Z", "0", " ", "?", "#", "%", "&", "+", "é", "€", "😀", "\u202e", "\ufeff", '"', "\\"];
  return Array.from({ length: random.small(unitsMax) }, () => random.pick(points))
    .join("")
    .trim();
}

function ipv6(random: Random): Ipv6 {
  const isMapped = random.once(8);
  return Array.from({ length: 8 }, (_, i) => {
    if (isMapped && i < 6) return i < 5 ? 0 : 0xffff;
    return random.once(2) ? 0 : random.below(0x10000);
  });
}

function shareLink(random: Random): ShareLink {
  const hex = (length: number): string => Array.from({ length }, () => random.below(16).toString(16)).join("");
  const host = random.pick([
    () => formatIpv6(ipv6(random)),
    () => random.bytes(4).join("."),
    () => `${hex(8)}.example`,
  ])();
  return {
    uuid: [8, 4, 4, 4, 12].map(hex).join("-"),
    host,
    port: 1 + random.below(65_535),
    flow: random.pick(["", "xtls-rprx-vision", "xtls-rprx-vision-udp443"]),
    sni: `${hex(1 + random.below(63))}.decoy.example`,
    fp: random.pick(["chrome", "firefox", "randomizednoalpn"]),
    pbk: encodeBase64(random.bytes(32)).replaceAll("+", "-").replaceAll("/", "_").replace("=", ""),
    sid: hex(2 * random.below(9)),
    spx: `/${wellFormedText(random, 20)}`,
    label: wellFormedText(random, 30) || host,
  };
}

const isFirstOfItsKind = (link: ShareLink, i: number, links: readonly ShareLink[]): boolean =>
  links.findIndex(({ uuid }) => uuid === link.uuid) === i;
