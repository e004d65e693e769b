import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { formatIpv6, isForbiddenHost, parseIpv4, parseIpv6 } from "./addresses.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { isoTime, leadingTime } from "./time.ts";
import { decodeUtf8, encodeUtf8, utf8Length } from "./utf8.ts";

const anyText = fc.string({ unit: "binary", maxLength: 60 });

describe("UTF-8", () => {
  test("is written as the platform writes it", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anyText,
          fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units)),
        ),
        (text) => {
          expect(encodeUtf8(text)).toEqual(new TextEncoder().encode(text));
          expect(utf8Length(text)).toBe(encodeUtf8(text).length);
        },
      ),
    );
  });

  test("is read as the platform reads it strictly, a byte order mark included", () => {
    const strict = (bytes: Uint8Array): string | undefined => {
      try {
        return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
      } catch {
        return undefined;
      }
    };
    const bytes = fc.array(
      fc.constantFrom(0x41, 0x80, 0xbf, 0xc0, 0xc3, 0xa9, 0xe2, 0x82, 0xed, 0xa0, 0xf0, 0x9f, 0xf4),
      {
        maxLength: 6,
      },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          bytes.map((list) => Uint8Array.from(list)),
          anyText.map(encodeUtf8),
        ),
        (input) => {
          expect(decodeUtf8(input)).toBe(strict(input));
        },
      ),
      { numRuns: 2000 },
    );
    const long = "é😀".repeat(20_000);
    expect(decodeUtf8(encodeUtf8(long))).toBe(long);
  });
});

describe("base64", () => {
  test("is written as the platform writes it, and read in both alphabets", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(encodeBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
        expect(decodeBase64(encodeBase64(bytes))).toEqual(bytes);
        expect(decodeBase64(Buffer.from(bytes).toString("base64url"))).toEqual(bytes);
      }),
    );
    const long = new Uint8Array(20_000).fill(7);
    expect(encodeBase64(long)).toBe(Buffer.from(long).toString("base64"));
  });

  test("is refused with another character or an impossible length", () => {
    for (const text of ["A", "AAAAA", "A=AA", "AA A", "%%%", "é"]) expect(decodeBase64(text)).toBeUndefined();
  });
});

describe("times", () => {
  test("are written and read as the platform does", () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }), (unix) => {
        expect(isoTime(unix)).toBe(new Date(unix * 1000).toISOString().replace(".000Z", "Z"));
        expect(leadingTime(`${isoTime(unix)} node`)).toBe(unix);
      }),
      { numRuns: 1000 },
    );
  });

  test("that do not exist are none", () => {
    for (const time of [
      "2026-02-29T00:00:00Z",
      "2026-13-01T00:00:00Z",
      "2026-01-01T24:00:00Z",
      "2026-01-01T00:00:00",
    ]) {
      expect(leadingTime(`${time} x`)).toBeUndefined();
    }
    expect(leadingTime("2024-02-29T23:59:59+0130 x")).toBe(Date.UTC(2024, 1, 29, 22, 29, 59) / 1000);
  });
});

describe("addresses", () => {
  test("of version 6 come back in their one canonical form", () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const groups = parseIpv6(text)!;
        expect(parseIpv6(formatIpv6(groups))).toEqual(groups);
        const platform = new URL(`http://[${text}]`).hostname.slice(1, -1);
        expect(parseIpv6(platform)).toEqual(groups);
        if (!formatIpv6(groups).includes(".")) expect(formatIpv6(groups)).toBe(platform);
      }),
    );
    expect(formatIpv6(parseIpv6("2001:db8:0:0:1:0:0:1")!)).toBe("2001:db8::1:0:0:1");
    expect(formatIpv6(parseIpv6("2001:db8:0:1:1:1:1:1")!)).toBe("2001:db8:0:1:1:1:1:1");
    expect(formatIpv6(parseIpv6("::ffff:c000:201")!)).toBe("::ffff:192.0.2.1");
  });

  test("in other notations are none", () => {
    for (const text of ["1.2.3", "1.2.3.256", "01.2.3.4", "1.2.3.4.", "0x1.2.3.4"])
      expect(parseIpv4(text)).toBeUndefined();
    for (const text of [
      "",
      ":",
      ":::",
      "1::2::3",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "::1%lo",
      "1.2.3.4::",
      "12345::",
    ]) {
      expect(parseIpv6(text)).toBeUndefined();
    }
  });

  test("that lead into somebody's own network may not be published", () => {
    const forbidden = ["0.1.1.1", "10.0.0.1", "100.127.0.1", "127.0.0.1", "169.254.1.1", "172.16.0.1", "192.168.1.1"];
    const names = [
      "router",
      "a.localhost",
      "a.local",
      "a.b.internal",
      "127.0x1",
      "::ffff:8.8.8.8",
      "febf::1",
      "ff02::1",
    ];
    for (const host of [...forbidden, ...names, "::", "::1", "fc00::1"])
      expect([host, isForbiddenHost(host)]).toEqual([host, true]);
    const open = ["100.63.0.1", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.2.1", "223.1.1.1", "::2", "fec0::1"];
    for (const host of [...open, "a.example", "local.example"])
      expect([host, isForbiddenHost(host)]).toEqual([host, false]);
  });
});
