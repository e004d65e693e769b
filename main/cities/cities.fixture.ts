/** Values for the tests of this room: links and cities made from chance, and the networks of the fixtures. */
import { readFileSync } from "node:fs";

import fc from "fast-check";

import { encodeBase64 } from "./base64.ts";
import { formatIpv6 } from "./addresses.ts";
import type { City } from "./cities.ts";
import type { ShareLink } from "./shareLink.ts";

export const readFixture = (path: string): string =>
  readFileSync(new URL(`../../test/fixtures/mesh/${path}`, import.meta.url), "utf8");

export const NETWORKS = ["three-city", "eight-city"] as const;

const hex = (length: number): fc.Arbitrary<string> =>
  fc.string({
    unit: fc.integer({ min: 0, max: 15 }).map((digit) => digit.toString(16)),
    minLength: length,
    maxLength: length,
  });

export const anyUuid = fc.tuple(...[8, 4, 4, 4, 12].map(hex)).map((parts) => parts.join("-"));

export const anyKey = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => encodeBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace("=", ""));

export const anyIpv4 = fc.ipV4().filter((address) => !address.startsWith("127.") && address !== "0.0.0.0");
export const anyIpv6 = fc
  .array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 })
  .filter((groups) => groups.some((group, i) => group > (i === 7 ? 1 : 0)))
  .map(formatIpv6);
export const anyName = fc.domain().map((name) => name.toLowerCase());

/** A label as parsing leaves it: nothing but what is shown, and no space at an end. */
const anyLabel = fc
  .string({ unit: "binary", minLength: 1, maxLength: 40 })
  .map((text) =>
    text
      .toWellFormed()
      .replace(/\p{Cc}/gu, "")
      .trim(),
  )
  .filter((text) => text !== "");

export const anyShareLink: fc.Arbitrary<ShareLink> = fc.record({
  uuid: anyUuid,
  host: fc.oneof(anyIpv4, anyIpv6, anyName),
  port: fc.integer({ min: 1, max: 65_535 }),
  flow: fc.constantFrom("", "xtls-rprx-vision", "xtls-rprx-vision-udp443"),
  sni: anyName,
  fp: fc.constantFrom("chrome", "firefox", "ios", "random"),
  pbk: anyKey,
  sid: fc.integer({ min: 0, max: 8 }).chain((bytes) => hex(2 * bytes)),
  spx: fc.webPath({ size: "small" }).map((path) => (path === "" ? "/" : path)),
  label: anyLabel,
});

/** A valid network: cities front later ones; some of those that do are relays of one of them; some have no VPN. */
export const anyCities: fc.Arbitrary<readonly City[]> = fc
  .array(fc.record({ isEnabled: fc.boolean(), isPrimary: fc.boolean(), isRelay: fc.boolean(), chance: fc.nat() }), {
    minLength: 1,
    maxLength: 8,
  })
  .map((plans) => {
    const codeAt = (i: number): string => `${"hgfedcba"[i]!}zz`;
    const isExitAt = (i: number): boolean => plans[i]!.isEnabled && !relays.has(i);
    const frontsAt = (i: number): number[] =>
      plans.flatMap((plan, j) =>
        j > i && plan.isEnabled && plans[i]!.isEnabled && (plans[i]!.chance >> j) % 2 === 1 ? [j] : [],
      );
    const relays = new Set<number>();
    plans.forEach((plan, i) => {
      if (plan.isRelay && i + 1 < plans.length && frontsAt(i).length > 0) relays.add(i);
    });
    return plans.map(({ isEnabled, isPrimary }, i): City => {
      const fronted = frontsAt(i).find(isExitAt);
      const exit = relays.has(i) && fronted !== undefined ? codeAt(fronted) : codeAt(i);
      return {
        code: codeAt(i),
        node: `node-${i}`,
        name: { en: codeAt(i), ru: codeAt(i) },
        country: "DE",
        region: "eu",
        lat: i,
        lon: i,
        timechain: { phase: "Active", emits: true },
        vpn: {
          enabled: isEnabled,
          primary: isPrimary,
          exit: isEnabled ? exit : null,
          fronts: frontsAt(i).map(codeAt),
          fronted_by: plans.flatMap((_, j) => (frontsAt(j).includes(i) ? [codeAt(j)] : [])),
          endpoint: isEnabled ? `/vpn/city/${codeAt(i)}` : null,
        },
      };
    });
  });
