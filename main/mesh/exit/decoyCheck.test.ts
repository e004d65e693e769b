import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server, type TlsOptions } from "node:tls";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { checkDecoy, FLIGHT_MAX } from "./decoyCheck.ts";

const NAME = "www.site.example";

interface Made {
  readonly key: string;
  readonly cert: string;
}

describe.skipIf(spawnSync("openssl", ["version"]).status !== 0)("a decoy", () => {
  const folder = mkdtempSync(join(tmpdir(), "decoy-"));
  const servers: Server[] = [];
  let good: Made;
  let ed25519: Made;
  let expired: Made;

  const make = (file: string, key: readonly string[], more: readonly string[] = []): Made => {
    const [keyFile, certFile] = [join(folder, `${file}.key`), join(folder, `${file}.pem`)];
    execFileSync(
      "openssl",
      [
        ...["req", "-x509", "-newkey", ...key, "-nodes", "-keyout", keyFile, "-out", certFile, "-subj", `/CN=${NAME}`],
        ...["-addext", `subjectAltName=DNS:${NAME}`, ...more],
      ],
      { stdio: "ignore" },
    );
    return { key: readFileSync(keyFile, "utf8"), cert: readFileSync(certFile, "utf8") };
  };

  beforeAll(() => {
    good = make("good", ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], ["-days", "2"]);
    ed25519 = make("ed25519", ["ed25519"], ["-days", "2"]);
    const [key, from, to] = ["good.key", "good.pem", "expired.pem"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    execFileSync("openssl", ["x509", "-in", from, "-signkey", key, "-days", "-1", "-out", to], { stdio: "ignore" });
    expired = { key: good.key, cert: readFileSync(to, "utf8") };
  });
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  async function site(options: TlsOptions, answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") {
    const server = createServer(
      { ...good, minVersion: "TLSv1.3", ALPNProtocols: ["h2", "http/1.1"], ...options },
      (socket) => {
        socket.on("error", () => undefined);
        socket.end(answer);
      },
    );
    server.on("tlsClientError", () => undefined);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    servers.push(server);
    const certificate = typeof options.cert === "string" ? options.cert : good.cert;
    return { name: NAME, host: "127.0.0.1", port: (server.address() as AddressInfo).port, certificate };
  }

  test("that fits is described", async () => {
    const report = await checkDecoy(await site({}));
    expect(report.flightBytes).toBeGreaterThan(500);
    expect(report.flightBytes).toBeLessThan(FLIGHT_MAX);
    expect(report.roundTripMs).toBeLessThanOrEqual(100);
  });

  test("may offer one of the two groups of browsers alone", async () => {
    expect(await checkDecoy(await site({ ecdhCurve: "X25519" }))).toMatchObject({ isPostQuantum: false });
    expect(await checkDecoy(await site({ ecdhCurve: "X25519MLKEM768" }))).toMatchObject({ isPostQuantum: true });
  });

  test.each([
    ["decoy-no-tls13", { minVersion: "TLSv1.2", maxVersion: "TLSv1.2" }],
    ["decoy-no-x25519", { ecdhCurve: "P-256" }],
    ["decoy-no-h2", { ALPNProtocols: ["http/1.1"] }],
  ] as const)("is refused as %s", async (code, options) => {
    await expect(checkDecoy(await site(options as TlsOptions))).rejects.toMatchObject({ code, params: { name: NAME } });
  });

  test("is refused for a certificate that strangers would not believe", async () => {
    const fitting = await site({});
    const reasonOf = (change: object) => checkDecoy({ ...fitting, ...change }).catch((error: unknown) => error);
    expect(await reasonOf({ certificate: null })).toMatchObject({ code: "decoy-certificate" });
    expect(await reasonOf({ name: "www.other.example" })).toMatchObject({
      ...{ code: "decoy-certificate", params: { reason: "ERR_TLS_CERT_ALTNAME_INVALID" } },
    });
    await expect(checkDecoy(await site(expired))).rejects.toMatchObject({
      ...{ code: "decoy-certificate", params: { reason: "CERT_HAS_EXPIRED" } },
    });
  });

  test("is refused for a key that browsers do not take", async () => {
    await expect(checkDecoy(await site(ed25519))).rejects.toMatchObject({ code: "decoy-key-type" });
  });

  test("is refused for a chain that the engine would not carry whole", async () => {
    const long = { ...(await site({ cert: good.cert + good.cert.repeat(18) })), certificate: good.cert };
    await expect(checkDecoy(long)).rejects.toMatchObject({
      code: "decoy-flight-too-large",
      params: { max: FLIGHT_MAX },
    });
  });

  test("is refused where its page sends people to another host, not where it sends them to its own", async () => {
    const redirect = (to: string): string => `HTTP/1.1 301 Moved\r\nLocation: ${to}\r\nContent-Length: 0\r\n\r\n`;
    await expect(checkDecoy(await site({}, redirect("https://elsewhere.example/")))).rejects.toMatchObject({
      ...{ code: "decoy-redirects", params: { to: "elsewhere.example" } },
    });
    await checkDecoy(await site({}, redirect("/start")));
    await checkDecoy(await site({}, redirect(`https://${NAME}/start`)));
  });

  test("is refused where nothing, or no TLS, answers, and where the engine itself warns of the name", async () => {
    const plain = createTcpServer((socket) => socket.on("error", () => undefined).end("no TLS\r\n"));
    await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
    const fitting = await site({});
    const port = (plain.address() as AddressInfo).port;
    await expect(checkDecoy({ ...fitting, port })).rejects.toMatchObject({ code: "decoy-unreachable" });
    plain.close();
    await expect(checkDecoy({ ...fitting, port: 1 })).rejects.toMatchObject({ params: { reason: "ECONNREFUSED" } });
    await expect(checkDecoy({ ...fitting, name: "www.apple.com" })).rejects.toMatchObject({
      code: "decoy-refused-name",
    });
    await expect(checkDecoy({ ...fitting, host: "nowhere.invalid" })).rejects.toMatchObject({
      code: "decoy-name-unresolved",
    });
  });
});

/** The loopback interface of this machine cannot be made slow; that of a network of its own can. */
const canUnshare = spawnSync("unshare", ["--net", "tc", "qdisc", "show"]).status === 0;

test.skipIf(!canUnshare)(
  "a decoy is refused where its answers take long, which every new connection would wait for",
  () => {
    const main = fileURLToPath(new URL("slowDecoyMain.fixture.ts", import.meta.url));
    const script = `ip link set lo up && exec "$0" "$1"`;
    const told = execFileSync("unshare", ["--net", "sh", "-c", script, process.execPath, main], {
      encoding: "utf8",
      timeout: 60_000,
    });
    const { near, far } = JSON.parse(told) as Record<"near" | "far", { code: string; params?: Record<string, number> }>;
    expect(near).toEqual({ code: "fits" });
    expect(far).toMatchObject({ code: "decoy-slow", params: { max: 100 } });
    expect(far.params!["ms"]).toBeGreaterThan(100);
  },
);
