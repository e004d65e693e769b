import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

import { parseShareLink } from "../cities/shareLink.ts";
import { loadCrypto } from "../native/index.ts";
import { checkConfig } from "./checkConfig.fixture.ts";
import { clientConfig, type ClientParameters } from "./config/clientConfig.ts";
import { exitConfig, relayConfig, type ExitParameters } from "./config/serverConfig.ts";
import { createExitKeys } from "./exitKeys.ts";
import { binariesHere } from "./mesh.fixture.ts";

const binaries = binariesHere();

interface Vectors<Input> {
  readonly cases: readonly { readonly name: string; readonly input: Input }[];
}

function inputsOf<Input>(suite: string): Vectors<Input>["cases"] {
  const path = new URL(`../../test/conformance/vectors/08-mesh-vpn/${suite}.json`, import.meta.url);
  return (JSON.parse(readFileSync(path, "utf8")) as Vectors<Input>).cases;
}

interface ClientInput {
  readonly mode: string;
  readonly exits: readonly { readonly code: string; readonly url: string }[];
  readonly selected: string;
  readonly bypassDomains?: readonly string[];
  readonly bypassCidrs?: readonly string[];
}

const clients = inputsOf<ClientInput>("xray-client-config").filter(({ input }) => input.mode === "proxy");
const exits = inputsOf<ExitParameters & { readonly profile: string }>("xray-server-config").filter(
  ({ input }) => input.profile === "exit",
);

const parametersOf = ({ exits, selected, bypassDomains, bypassCidrs }: ClientInput): ClientParameters => ({
  exits: exits.map(({ code, url }) => ({ code, link: parseShareLink(url) })),
  selected,
  mixedPort: 10_808,
  api: { socket: "/tmp/montana-test/engine.sock" },
  bypass: { domains: bypassDomains ?? [], cidrs: bypassCidrs ?? [] },
});

describe.skipIf(binaries === undefined)("the engine takes what is written for it:", () => {
  test.each(clients)("client, $name", async ({ input }) => {
    const parameters = parametersOf(input);
    const probe = { socket: "/tmp/montana-test/probe.sock", password: "any" };
    await checkConfig(binaries!, clientConfig({ ...parameters, probe }));
    const onPorts = { api: { port: 10_809 }, probe: { port: 10_810, password: "secret" } };
    await checkConfig(binaries!, clientConfig({ ...parameters, ...onPorts }));
  });

  test("client, every kind of bypass rule", async () => {
    const domains = ["domain:example.org", "full:a.example", "keyword:bank", "regexp:^a.*z$"];
    const cidrs = ["192.0.2.0/24", "192.0.2.1", "2001:db8::/32", "2001:db8::1"];
    await checkConfig(binaries!, clientConfig({ ...parametersOf(clients[0]!.input), bypass: { domains, cidrs } }));
  });

  test.each(exits)("$name", async ({ input }) => {
    await checkConfig(binaries!, exitConfig(input));
  });

  test("exit, with all that an operator may want, of keys that were made here", async () => {
    const { privateKey, shortId, uuid } = createExitKeys(loadCrypto().crypto.x25519);
    const config = exitConfig({
      ...exits[0]!.input,
      privateKey,
      shortIds: [shortId],
      clients: [{ id: uuid, email: "subscription" }],
      api: { socket: "/tmp/montana-test/engine.sock" },
      dnsHosts: { "site.example": "127.0.0.1" },
      sendThrough: "127.0.0.11",
      allowLoopback: true,
      decoyDownloadLimit: { afterBytes: 10_485_760, bytesPerSec: 262_144, burstBytesPerSec: 524_288 },
    });
    await checkConfig(binaries!, config);
  });

  test("relay", async () => {
    const relay = { listen: "::", port: 8443, exitHost: "exit.example", exitPort: 443 };
    await checkConfig(binaries!, relayConfig(relay));
    await checkConfig(binaries!, relayConfig({ ...relay, api: { port: 10_809 }, sendThrough: "127.0.0.11" }));
  });
});

describe("a configuration", () => {
  test.skipIf(binaries === undefined)("that the engine refuses is refused by code", async () => {
    const parameters = parametersOf(clients[0]!.input);
    const [exit] = parameters.exits;
    const damaged = clientConfig({ ...parameters, exits: [{ ...exit!, link: { ...exit!.link, pbk: "short" } }] });
    await expect(checkConfig(binaries!, damaged)).rejects.toThrow("bad-public-key");
  });
});
