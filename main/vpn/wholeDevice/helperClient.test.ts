import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { codeOf } from "../../xray/codeOf.fixture.ts";
import { HelperClient } from "./helperClient.ts";

type Request = Readonly<Record<string, unknown>> & { readonly id: number; readonly do: string };

let folder = "";
let path = "";
let server: Server | undefined;

/** Speaks as main/native/helper/README.md says; the real one is run by test/integration/wholeDevice. */
async function serve(
  answer: (request: Request, send: (message: unknown) => void, socket: Socket) => void,
): Promise<void> {
  server = createServer((socket) => {
    let rest = "";
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop()!;
      const send = (message: unknown): void => void socket.write(`${JSON.stringify(message)}\n`);
      for (const line of lines) answer(JSON.parse(line) as Request, send, socket);
    });
  });
  await new Promise<void>((resolve) => server!.listen(path, resolve));
}

const welcome = ({ id }: Request, send: (message: unknown) => void): void =>
  send({ id, ok: { version: 1, isBlocking: false } });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "helper-"));
  path = join(folder, "s");
});

afterEach(() => {
  server?.close();
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(process.platform === "win32")("the helper's client", () => {
  test("learns at once whether a block stands from before", async () => {
    await serve(({ id }, send) => send({ id, ok: { version: 1, isBlocking: true } }));
    const { client, isBlocking } = await HelperClient.connect(path);
    expect(isBlocking).toBe(true);
    client.close();
  });

  test("says why it cannot govern: no helper, another user's, in use, of another version", async () => {
    expect(await codeOf(HelperClient.connect(path))).toBe("helper-not-running");
    await serve((_, __, socket) => socket.destroy());
    expect(await codeOf(HelperClient.connect(path))).toBe("helper-not-allowed");
    for (const [code, shown] of [
      ["busy", "helper-busy"],
      ["version-unsupported", "helper-outdated"],
    ] as const) {
      server!.close();
      await serve(({ id }, send) => send({ id, error: { code, params: {} } }));
      expect(await codeOf(HelperClient.connect(path))).toBe(shown);
    }
  });

  test("runs an engine: its lines, its end, whichever comes before the answer", async () => {
    await serve((request, send) => {
      if (request.do === "hello") return welcome(request, send);
      send({ event: "line", text: "first" });
      send({ id: request.id, ok: { pid: 77 } });
      send({ event: "line", text: "sécond" });
      send({ event: "exited", code: 23, signal: null });
    });
    const { client } = await HelperClient.connect(path);
    const lines: string[] = [];
    const { pid, ended } = await client.launch({ config: "{}", onLine: (line) => lines.push(line) });
    expect([pid, await ended, lines]).toEqual([77, 23, ["first", "sécond"]]);
    client.close();
  });

  test("hands the helper's refusals on, and knows that without it no engine runs", async () => {
    await serve((request, send, socket) => {
      if (request.do === "hello") return welcome(request, send);
      if (request.do === "start") return send({ id: request.id, ok: { pid: 77 } });
      if (request.do === "route") {
        return send({
          id: request.id,
          error: { code: "routes-refused", params: { step: "rule", errno: 17, odd: [] } },
        });
      }
      socket.destroy();
    });
    const { client } = await HelperClient.connect(path);
    const refused: unknown = await client.call("route").catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "routes-refused", params: { step: "rule", errno: 17 } });
    const { ended } = await client.launch({ config: "{}", onLine: () => undefined });
    expect(await codeOf(client.call("release"))).toBe("helper-gone");
    expect(await ended).toBeNull();
    expect(client.isOpen).toBe(false);
    expect(await codeOf(client.call("release"))).toBe("helper-gone");
  });

  test("takes nothing from one that does not speak its language, or without end", async () => {
    for (const noise of ["no json\n", "[1]\n", "x".repeat(300_000)]) {
      await serve((request, send, socket) => {
        if (request.do === "hello") return welcome(request, send);
        socket.write(noise);
      });
      const { client } = await HelperClient.connect(path);
      expect(await codeOf(client.call("status"))).toBe("helper-gone");
      server!.close();
    }
  });
});
