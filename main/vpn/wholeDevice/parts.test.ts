import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { ExitAddresses } from "./addresses.ts";
import { codeOf } from "../../xray/codeOf.fixture.ts";
import { installCommand, runAsAdministrator, uninstallCommand } from "./install.ts";
import { findSignInPage } from "./signInPage.ts";
import { findWays } from "./ways.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "device-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("addresses of exits", () => {
  const asked: string[] = [];
  const open = (answers: Readonly<Record<string, string>>): ExitAddresses =>
    new ExitAddresses(
      folder,
      (hosts) => {
        asked.push(...hosts.map((host) => `${host} (behind a block)`));
        return Promise.resolve(new Map(hosts.flatMap((host) => (host in answers ? [[host, answers[host]!]] : []))));
      },
      (host) => {
        asked.push(host);
        return Promise.resolve(answers[host]);
      },
    );
  beforeEach(() => {
    asked.length = 0;
  });

  test("are looked up anew each time outside the tunnel, and kept for when nobody answers", async () => {
    const outside = { isOutside: true };
    const first = open({ "a.example": "192.0.2.1", "b.example": "192.0.2.2" });
    const hosts = ["a.example", "b.example", "192.0.2.9", "2001:db8::1"];
    expect(await first.resolve(hosts, outside)).toEqual(
      new Map(Object.entries({ "a.example": "192.0.2.1", "b.example": "192.0.2.2" })),
    );
    const later = open({ "b.example": "192.0.2.3" });
    expect(await later.resolve(hosts, outside)).toEqual(
      new Map(Object.entries({ "a.example": "192.0.2.1", "b.example": "192.0.2.3" })),
    );
    expect(asked).toEqual(["a.example", "b.example", "a.example", "b.example"]);
  });

  test("are taken as known behind a block, where only unknown ones are asked for", async () => {
    await open({ "a.example": "192.0.2.1" }).resolve(["a.example"], { isOutside: true });
    asked.length = 0;
    const behind = open({ "a.example": "192.0.2.8", "c.example": "192.0.2.9" });
    const found = await behind.resolve(["a.example", "b.example", "c.example"], { isOutside: false });
    expect([...found]).toEqual([
      ["a.example", "192.0.2.1"],
      ["c.example", "192.0.2.9"],
    ]);
    expect(asked).toEqual(["b.example (behind a block)", "c.example (behind a block)"]);
  });

  test("are forgotten with a damaged file", async () => {
    await open({ "a.example": "192.0.2.1" }).resolve(["a.example"], { isOutside: true });
    writeFileSync(join(folder, "exit-addresses"), "nonsense");
    expect(await open({}).resolve(["a.example"], { isOutside: false })).toEqual(new Map());
  });
});

describe.skipIf(process.platform !== "linux")("installing the helper", () => {
  const binaries = (): { xray: string; guard: undefined } => ({ xray: join(folder, "xray"), guard: undefined });

  test("is one command without a shell, which names the engine by its digest", async () => {
    writeFileSync(join(folder, "xray"), "engine");
    writeFileSync(join(folder, "montana-helper"), "#!/bin/sh\n", { mode: 0o755 });
    const options = { binaries: binaries(), hasDesktop: false, hasTerminal: false };
    const { argv } = await installCommand(options).catch((error: unknown) => {
      // Only root needs nobody's password.
      const { command } = (error as { readonly params: { readonly command: string } }).params;
      return { argv: command.replace(/^sudo /, "").split(" ") };
    });
    const sha256 = createHash("sha256").update("engine").digest("hex");
    expect(argv.slice(0, 4)).toEqual([join(folder, "montana-helper"), "install", "--engine", join(folder, "xray")]);
    expect(argv.slice(4)).toEqual(["--sha256", sha256, "--uid", String(process.getuid!())]);
  });

  test("is not possible where this copy of the program has no helper", async () => {
    expect(await codeOf(installCommand({ binaries: binaries(), hasDesktop: false, hasTerminal: true }))).toBe(
      "helper-not-built",
    );
  });

  test("tells why it did not happen", async () => {
    const refused = { argv: ["/bin/sh", "-c", "echo no >&2; exit 126"], text: "" };
    const error: unknown = await runAsAdministrator(refused).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "helper-not-installed", params: { status: 126, said: "no" } });
    expect(await codeOf(runAsAdministrator({ argv: ["/nonexistent"], text: "" }))).toBe("helper-not-installed");
  });

  test("names the command for a terminal where the desktop has nothing that asks for the password", async () => {
    const unasked = { argv: ["/bin/sh", "-c", "exit 127"], text: "", byHand: "sudo montana-helper install" };
    const error: unknown = await runAsAdministrator(unasked).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "helper-needs-administrator", params: { command: unasked.byHand } });
  });

  test.skipIf(process.getuid?.() !== 0)("needs nobody's password as root", () => {
    const { argv } = uninstallCommand({ binaries: binaries(), hasDesktop: true, hasTerminal: true });
    expect(argv).toEqual(["/usr/local/libexec/montana/montana-helper", "uninstall"]);
  });
});

describe("a network's sign-in page", () => {
  let server: Server | undefined;
  afterEach(() => void server?.close());
  const ask = async (listener: RequestListener): Promise<string | null> => {
    server = createServer(listener);
    await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
    const found = await findSignInPage(`http://127.0.0.1:${(server.address() as AddressInfo).port}/204`);
    server.closeAllConnections();
    return found;
  };
  const leadTo =
    (location: string): RequestListener =>
    (_, response) =>
      void response.writeHead(302, { location }).end();

  test("is where a plain question is led to", async () => {
    expect(await ask(leadTo("https://portal.example/?a=b"))).toBe("https://portal.example/?a=b");
    expect(await ask((_, response) => void response.end("Welcome!"))).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/204$/);
  });

  test("is not there when the site itself answers, nothing does, or somewhere else than to a page is led", async () => {
    expect(await ask((_, response) => void response.writeHead(204).end())).toBeNull();
    expect(await ask((_, response) => void response.destroy())).toBeNull();
    for (const location of [
      "javascript:alert(1)",
      "/204/",
      "file:///etc/passwd",
      `https://p.example/${"x".repeat(3_000)}`,
    ]) {
      expect(await ask(leadTo(location))).toBeNull();
    }
  });
});

test.skipIf(process.platform !== "linux")(
  "which way packets take is said of every resolver that is an address",
  async () => {
    const path = join(folder, "resolv.conf");
    writeFileSync(path, "# nameserver 192.0.2.1\nnameserver 127.0.0.53\nnameserver nonsense\noptions x\n");
    const { resolvers } = await findWays("montana0", path);
    expect([...resolvers.keys()]).toEqual(["127.0.0.53"]);
    expect((await findWays("montana0", join(folder, "none"))).resolvers.size).toBe(0);
  },
);
