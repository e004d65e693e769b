import { describe, expect, test } from "vitest";

import { parseShareLink } from "../../cities/shareLink.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { clientConfig, type ClientParameters } from "./clientConfig.ts";

const link = parseShareLink(
  "vless://7414dedf-365d-41d3-ac10-29a65ea43844@city.example:443?flow=xtls-rprx-vision&security=reality&sni=www.decoy.example&pbk=bOLP4GuOkdAzcgeEP2KqrxFakXUsqO8FzrPb7FU6K2w&sid=6555199aae77f28b",
);

const build = (change: Partial<ClientParameters> = {}) =>
  clientConfig({
    exits: [{ code: "fra", link }],
    selected: "fra",
    mixedPort: 10_808,
    api: { socket: "/run/montana/engine.sock" },
    ...change,
  });

function codeOf(change: Partial<ClientParameters>): string {
  try {
    build(change);
  } catch (error) {
    if (error instanceof ProtocolError) return (error as ProtocolError).code;
  }
  return "accepted";
}

describe("a client's configuration", () => {
  test("is refused when the engine would take one exit for another", () => {
    const exits = (...codes: string[]) => ({ exits: codes.map((code) => ({ code, link })) });
    expect(codeOf(exits("fra", "fra-2"))).toBe("bad-exit-code");
    expect(codeOf(exits("fra", "fra"))).toBe("bad-exit-code");
    expect(codeOf(exits("fra", "f ra"))).toBe("bad-exit-code");
    expect(codeOf(exits("fra", "fin"))).toBe("accepted");
    expect(codeOf({ selected: "fin" })).toBe("unknown-exit");
    expect(codeOf({ exits: [] })).toBe("unknown-exit");
  });

  test("takes literal bypass rules only", () => {
    const domains = (...names: string[]) => ({ bypass: { domains: names, cidrs: [] } });
    expect(codeOf(domains("domain:example.org", "full:a.example", "keyword:x", "regexp:^a"))).toBe("accepted");
    for (const name of ["example.org", "geosite:cn", "ext:file.dat:x", "domain:", "domain:a b"]) {
      expect(codeOf(domains(name)), name).toBe("bad-bypass-domain");
    }
    const cidrs = (...ranges: string[]) => ({ bypass: { domains: [], cidrs: ranges } });
    expect(codeOf(cidrs("192.0.2.0/24", "192.0.2.1", "2001:db8::/32", "0.0.0.0/0"))).toBe("accepted");
    for (const range of [
      "geoip:private",
      "192.0.2.0/33",
      "192.0.2.0/",
      "192.0.2.0/08",
      "2001:db8::/129",
      "a/8",
      "1.2.3.4/8/8",
    ]) {
      expect(codeOf(cidrs(range)), range).toBe("bad-bypass-cidr");
    }
  });

  test("of full-device mode needs addresses, and resolvers inside of the tunnel", () => {
    const tun = { name: "montana0", mtu: 1500, dns: ["https://1.1.1.1/dns-query"], loopGuard: { mark: 1 } };
    expect(codeOf({ tun: { ...tun, resolved: new Map() } })).toBe("exit-not-resolved");
    expect(codeOf({ tun: { ...tun, resolved: new Map([["city.example", "other.example"]]) } })).toBe(
      "exit-not-resolved",
    );
    const resolved = new Map([["city.example", "192.0.2.1"]]);
    expect(codeOf({ tun: { ...tun, resolved } })).toBe("accepted");
    expect(codeOf({ tun: { ...tun, resolved, dns: ["https+local://1.1.1.1/dns-query"] } })).toBe("bad-dns-server");
    expect(codeOf({ tun: { ...tun, resolved, dns: ["localhost"] } })).toBe("bad-dns-server");
  });

  test("opens no socket whose path the engine would misread", () => {
    for (const socket of ["relative.sock", "/a,0666", `/${"x".repeat(103)}`]) {
      expect(codeOf({ api: { socket } }), socket).toBe("bad-socket-path");
      expect(codeOf({ probe: { socket, password: "x" } }), socket).toBe("bad-socket-path");
    }
  });

  test("lets probes reach each exit and nothing else", () => {
    const { inbounds, routing } = build({ probe: { socket: "/run/montana/probe.sock", password: "x" } });
    expect(inbounds.map(({ tag }) => tag)).toEqual(["mixed-in", "probe-in", "api-in"]);
    const rules = routing!.rules.map(({ inboundTag, user, outboundTag }) => [inboundTag?.[0], user?.[0], outboundTag]);
    expect(rules.slice(0, 2)).toEqual([
      ["api-in", undefined, "api"],
      ["probe-in", "fra", "exit-fra"],
    ]);
  });
});
