/**
 * Certificates from `pebble`, the small ACME server of Let's Encrypt's makers: `go install
 * github.com/letsencrypt/pebble/v2/cmd/pebble@v2.10.1`, found on PATH or named by MONTANA_PEBBLE.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { makeCertificate } from "../../xray/certificate.ts";
import { freePorts } from "../aggregator/freePorts.fixture.ts";

const PEBBLE = [process.env["MONTANA_PEBBLE"] ?? "pebble"].find((path) => spawnSync(path, ["-version"]).status === 0);
const ORDER = fileURLToPath(new URL("acmeOrder.fixture.ts", import.meta.url));
const NAME = "localhost";

describe.skipIf(PEBBLE === undefined)("a certificate from an authority that speaks ACME", () => {
  const directory = mkdtempSync(join(tmpdir(), "montana-acme-"));
  const own = makeCertificate(NAME);
  const at = (name: string): string => join(directory, name);
  let pebble: ChildProcess;
  let ports: readonly number[];

  beforeAll(async () => {
    ports = await freePorts(4);
    const [listen, management, http, tls] = ports as [number, number, number, number];
    writeFileSync(at("pebble.pem"), own.certificate);
    writeFileSync(at("pebble-key.pem"), own.key);
    writeFileSync(
      at("pebble.json"),
      JSON.stringify({
        pebble: {
          ...{ listenAddress: `127.0.0.1:${listen}`, managementListenAddress: `127.0.0.1:${management}` },
          ...{ certificate: at("pebble.pem"), privateKey: at("pebble-key.pem"), httpPort: http, tlsPort: tls },
          ...{ ocspResponderURL: "", externalAccountBindingRequired: false },
          profiles: { default: { description: "three months", validityPeriod: 7_776_000 } },
        },
      }),
    );
    pebble = spawn(PEBBLE!, ["-config", at("pebble.json"), "-strict"], {
      ...{ stdio: "ignore", env: { ...process.env, PEBBLE_VA_NOSLEEP: "1" } },
    });
    await listening(listen);
  }, 120_000);
  afterAll(async () => {
    const ended = new Promise((resolve) => pebble.once("exit", resolve));
    pebble.kill();
    await ended;
    rmSync(directory, { recursive: true });
  });

  /** In a process that trusts the authority, as a server's own roots do. */
  const order = (directoryUrl: string): { readonly said: string; readonly status: number | null } => {
    const { stdout, status } = spawnSync(
      process.execPath,
      [ORDER, at("certificates"), directoryUrl, String(ports[2]), NAME],
      { encoding: "utf8", timeout: 90_000, env: { ...process.env, NODE_EXTRA_CA_CERTS: at("pebble.pem") } },
    );
    return { said: stdout.trim(), status };
  };
  const file = join(directory, "certificates", "certificate.pem");
  const certificate = (): X509Certificate =>
    new X509Certificate(/-----BEGIN CERTIFICATE-----[\s\S]*/.exec(readFileSync(file, "utf8"))![0]);

  test("is got once, lies with its key in one file that others cannot read, and is kept while it is fresh", () => {
    const directoryUrl = `https://${NAME}:${ports[0]}/dir`;
    expect(order(directoryUrl)).toEqual({ said: "ok", status: 0 });
    const first = certificate();
    expect(first.checkHost(NAME)).toBe(NAME);
    expect(readFileSync(file, "utf8")).toMatch(/^-----BEGIN PRIVATE KEY-----/);
    expect(statSync(file).mode & 0o077).toBe(0);
    expect(order(directoryUrl)).toEqual({ said: "ok", status: 0 });
    expect(certificate().serialNumber).toBe(first.serialNumber);
  });

  test("that is there goes on being used when the authority is gone; without one the reason is said", () => {
    const gone = `https://${NAME}:${ports[3]}/dir`;
    expect(order(gone)).toEqual({ said: "ok", status: 0 });
    rmSync(file);
    const { said, status } = order(gone);
    expect(said).toMatch(/^mesh-acme-failed /);
    expect(status).toBe(1);
  });

  test("is renewed when its file holds another name's, and replaces it whole", () => {
    const other = makeCertificate("other.example");
    writeFileSync(file, `${other.key}${other.certificate}`);
    expect(order(`https://${NAME}:${ports[0]}/dir`)).toEqual({ said: "ok", status: 0 });
    expect(certificate().checkHost(NAME)).toBe(NAME);
  });
});

/** Resolves once something listens there. */
async function listening(port: number): Promise<void> {
  const isThere = (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1");
      const settle = (answer: boolean): void => {
        socket.destroy();
        resolve(answer);
      };
      socket.once("connect", () => settle(true)).once("error", () => settle(false));
    });
  while (!(await isThere())) await wait(50);
}
