import { createServer as createTcpServer, type AddressInfo, type Server } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";

import type { Probe } from "../../cities/health.ts";
import { makeCertificate } from "../../xray/certificate.ts";
import { probeEndpoint } from "./probeEndpoint.ts";

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

const NAME = "www.decoy.example";
const genuine = makeCertificate(NAME);

function listen(server: Server): Promise<number> {
  servers.push(server);
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

async function site(options: TlsOptions, made = genuine): Promise<number> {
  const server = createTlsServer({ key: made.key, cert: made.certificate, ...options });
  server.on("tlsClientError", () => undefined);
  return listen(server);
}

const probe = (port: number, roots: string = genuine.certificate, host = "127.0.0.1"): Promise<Probe> =>
  probeEndpoint({ host, port, sni: NAME }, { connectTimeoutMs: 5000, tlsTimeoutMs: 1500, roots });

describe("a probe", () => {
  test("of a genuine site succeeds, with a time", async () => {
    const port = await site({ ALPNProtocols: ["h2"] });
    expect(await probe(port)).toEqual({ handshakeMs: expect.any(Number) as number });
  });

  test("names what is wrong with the certificate", async () => {
    expect(await probe(await site({}), makeCertificate("x.example").certificate)).toEqual({
      error: "cert-untrusted",
    });
    const other = makeCertificate("other.example");
    expect(await probe(await site({}, other), other.certificate)).toEqual({ error: "cert-name" });
    const old = makeCertificate(NAME, Date.now() - 60_000);
    expect(await probe(await site({}, old), old.certificate)).toEqual({ error: "cert-expired" });
  });

  test("names what is wrong with the handshake", async () => {
    expect(await probe(await site({ maxVersion: "TLSv1.2" }))).toEqual({ error: "tls-version" });
    const alerting = await site({ ALPNProtocols: ["h2"], ciphers: "TLS_AES_128_CCM_8_SHA256" });
    expect(await probe(alerting)).toEqual({ error: "tls-alert" });
    const silent = await listen(createTcpServer(() => undefined).on("connection", (socket) => socket.resume()));
    expect(await probe(silent)).toEqual({ error: "tls-timeout" });
    const closing = await listen(createTcpServer((socket) => socket.destroy()));
    expect(await probe(closing)).toEqual({ error: "reset" });
  });

  test("names what is wrong with the way there", async () => {
    const server = createTcpServer();
    const port = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    expect(await probe(port)).toEqual({ error: "tcp-refused" });
    expect(await probe(443, genuine.certificate, "nowhere.invalid")).toEqual({ error: "dns" });
  });
});
