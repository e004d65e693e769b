import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { anyIpv4, anyIpv6, anyKey, anyName, anyShareLink, anyUuid } from "./cities.fixture.ts";
import { LINE_MAX } from "./limits.ts";
import { redactLine } from "./redaction.ts";
import { buildShareLink } from "./shareLink.ts";

/** What the engine writes around the thing that a line is about. */
const around = fc.constantFrom(
  (secret: string) => secret,
  (secret: string) => `[Info] [1] dial ${secret} failed`,
  (secret: string) => `error: (${secret}), again`,
  (secret: string) => `"${secret}"`,
  (secret: string) => `[${secret}] > next`,
  (secret: string) => `it was ${secret}.`,
  (secret: string) => `a=${secret};b=1`,
  (secret: string) => `\t${secret}\t`,
);

const anyEndpoint = fc.oneof(
  anyIpv4,
  anyIpv6.map((address) => `[${address}]`),
  anyName,
);

/** Lines that name a host, by the engine's own wording. */
const namingHosts = fc.constantFrom(
  (host: string) => `accepted tcp:${host}:443 [mixed-in >> exit-fin]`,
  (host: string) => `processing to udp:${host}:53`,
  (host: string) => `app/dispatcher: sniffed domain: ${host}`,
  (host: string) => `server name mismatch: ${host}`,
  (host: string) => `failed to lookup ip for domain ${host} at server x`,
  (host: string) => `dial tcp: lookup ${host} on 192.0.2.53:53: no such host`,
  (host: string) => `common/retry: [x509: certificate is valid for a.b, ${host}, not other.example] > x`,
  (host: string) => `common/retry: [x509: certificate is valid for a.b, not ${host}] > x`,
  (host: string) => `GET "https://${host}/generate_204": EOF`,
);

describe("a redacted line", () => {
  test("never holds a planted address, account or key", () => {
    const anySecret = fc.oneof(anyIpv4, anyIpv6, anyUuid, anyKey, anyShareLink.map(buildShareLink));
    fc.assert(
      fc.property(around, anySecret, (place, secret) => {
        expect(redactLine(place(secret))).not.toContain(secret);
      }),
      { numRuns: 1000 },
    );
  });

  test("never holds the host of which the engine tells", () => {
    fc.assert(
      fc.property(namingHosts, anyEndpoint, (place, host) => {
        expect(redactLine(place(host))).not.toContain(host.replace(/[[\]]/g, ""));
      }),
      { numRuns: 1000 },
    );
  });

  test("never holds a bad secret that the engine quotes, whatever it is made of", () => {
    const fields = ['invalid "password": ', 'too long "shortIds[3]": ', 'invalid "privateKey": ', "invalid UUID: "];
    fc.assert(
      fc.property(fc.constantFrom(...fields), fc.string({ minLength: 12 }), (field, text) => {
        const secret = `q${text.replace(/[\r\n\u2028\u2029]| > /g, "")}q`;
        expect(redactLine(`infra/conf: ${field}${secret} > common: x`)).toMatch(/: <secret> > common: x$/);
      }),
    );
  });

  test.each(["::ffff:0.0.0.0", "::ffff:127.0.0.1", "2001:db8::127.0.0.1", "64:ff9b::192.0.2.1"])(
    "holds nothing of %s, whose end alone would be kept or replaced",
    (address) => {
      expect(redactLine(`dial ${address} failed`)).toBe("dial <ip6> failed");
      expect(redactLine(`dial [${address}]:443 failed`)).toBe("dial [<ip6>]:443 failed");
    },
  );

  test("keeps addresses of this machine, times, versions and peer ids", () => {
    const line = "12:34:56 v26.3.27 127.0.0.1:10808 [::1]:53 0.0.0.0 :: QmWK7uaSdkoa1GK3tpvxqsyQKREBtqLW2WyJsPnWK9vZUW";
    expect(redactLine(line)).toBe(line);
  });

  test("says nothing of a line that is too long to be looked at", () => {
    expect(redactLine("192.0.2.1 ".repeat(LINE_MAX))).toBe(`<line of ${10 * LINE_MAX} characters>`);
  });
});
