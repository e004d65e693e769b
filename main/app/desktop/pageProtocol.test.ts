/** The page's way to its host, with a real host in this process and in another one. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { Playground } from "../cli.fixture.ts";
import { eventually, HostingGround } from "./hosting.fixture.ts";
import type { Hosting } from "./hosting.ts";
import { PageProtocol } from "./pageProtocol.ts";

/** Of a process on a busy machine. */
const START_MS_MAX = 120_000;

let ground: HostingGround;
let playground: Playground;
async function makeGround(): Promise<void> {
  ground = await HostingGround.make();
  playground = await Playground.make();
}
async function removeGround(): Promise<void> {
  await ground.remove();
  await playground.remove();
}

function pageOf(hosting: Hosting): PageProtocol {
  const folder = join(ground.folder, "page");
  mkdirSync(join(folder, "assets"), { recursive: true });
  writeFileSync(join(folder, "index.html"), "<!doctype html>");
  writeFileSync(join(folder, "assets", "page-0a1b2c3d.js"), "export {};");
  return new PageProtocol({ folder, answerApi: (request) => hosting.answer(request) });
}

const get = (page: PageProtocol, path: string): Promise<Response> => page.answer(new Request(`app://montana${path}`));

async function openStream(page: PageProtocol): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  const response = await get(page, "/api/events?input=%7B%7D");
  expect(response.headers.get("content-type")).toContain("text/event-stream");
  const reader = response.body!.getReader();
  expect((await reader.read()).done).toBe(false);
  return reader;
}

const isWatched = async ({ client }: Hosting): Promise<boolean> => (await client.pages.query()).isWatched;
const untilUnwatched = (hosting: Hosting): Promise<true> =>
  eventually(async () => ((await isWatched(hosting)) ? undefined : true));

describe.each(["in this process", "in another process"])("before a host %s, the page", (where) => {
  let hosting: Hosting;
  beforeAll(async () => {
    await makeGround();
    if (where === "in another process") {
      await playground.startPlainly(["--without-node", "--data-dir", ground.directory.root]);
    }
    hosting = await ground.openHosting();
    expect(hosting.isOwn).toBe(where === "in this process");
  }, START_MS_MAX);
  afterAll(removeGround);

  test("asks and orders", async () => {
    const page = pageOf(hosting);
    expect(await (await get(page, "/api/ping")).json()).toMatchObject({ result: { data: { pid: hosting.pid } } });
    const order = new Request("app://montana/api/vpnDisconnect", {
      ...{ method: "POST", headers: { "content-type": "application/json" }, body: "" },
    });
    expect((await page.answer(order)).status).toBe(200);
    expect((await get(page, "/api/none")).status).toBe(404);
  });

  test("closes a stream on the host's side by cancelling it", async () => {
    const reader = await openStream(pageOf(hosting));
    expect(await isWatched(hosting)).toBe(true);
    await reader.cancel();
    await untilUnwatched(hosting);
  });

  test("leaves no stream on the host's side when it is gone", async () => {
    const page = pageOf(hosting);
    const readers = [await openStream(page), await openStream(page)];
    page.endAll();
    await untilUnwatched(hosting);
    for (const reader of readers) await reader.cancel();
  });
});

describe("the page", () => {
  beforeAll(makeGround);
  afterAll(removeGround);

  test("files are what the build made, under one policy, and what it names by content is kept", async () => {
    const page = pageOf(await ground.openHosting());
    const script = await get(page, "/assets/page-0a1b2c3d.js");
    expect(script.headers.get("content-type")).toContain("text/javascript");
    expect(script.headers.get("cache-control")).toContain("immutable");
    for (const response of [script, await get(page, "/"), await get(page, "/none.js"), await get(page, "/api/ping")]) {
      expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    }
  });

  test("a host that is gone is told to the page as one that does not answer", async () => {
    await ground.close();
    const daemon = await playground.startPlainly(["--without-node", "--data-dir", ground.directory.root]);
    const hosting = await ground.openHosting();
    daemon.process.kill("SIGKILL");
    await daemon.ended;
    expect((await get(pageOf(hosting), "/api/ping")).status).toBe(503);
    await hosting.ended;
  });
});
