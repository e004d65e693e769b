/** Settings, as a person changes them, with a real host in a real browser. */
import { readFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createServer as createSilentServer, type AddressInfo, type Server as SilentServer } from "node:net";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { Playground } from "../../main/app/cli.fixture.ts";
import { buildShareLink } from "../../main/cities/shareLink.ts";
import { loadCrypto } from "../../main/native/index.ts";
import { createExitKeys } from "../../main/xray/exitKeys.ts";
import { binariesHere } from "../../main/xray/mesh.fixture.ts";
import { go, noPage, openPage, startBrowser, type OpenedPage } from "./openedPage.ts";
import { clientOf } from "./smallNetwork.ts";

const LIST = new URL("../fixtures/mesh/three-city/sub.b64", import.meta.url);
/** On a loaded machine. */
const START_MS_MAX = 120_000;
const TITLE = "Three cities";

describe.skipIf(noPage !== undefined)("settings", () => {
  let playground: Playground;
  let publisher: Server;
  /** A way in that takes connections and never says anything. */
  let silent: SilentServer;
  let browser: Browser;
  let opened: OpenedPage;
  let page: Page;

  beforeAll(async () => {
    playground = await Playground.make();
    const list = await readFile(LIST);
    publisher = createServer((request, response) => {
      if (request.url !== "/list") response.writeHead(500).end();
      else response.writeHead(200, { "content-type": "text/plain", "profile-title": TITLE }).end(list);
    });
    await new Promise<void>((resolve) => publisher.listen({ port: 0, host: "127.0.0.1" }, resolve));
    silent = createSilentServer((socket) => void socket.on("error", () => undefined).resume());
    await new Promise<void>((resolve) => silent.listen({ port: 0, host: "127.0.0.1" }, resolve));
    browser = await startBrowser();
    opened = await openPage(browser, playground);
    page = opened.page;
  }, START_MS_MAX);

  afterAll(async () => {
    await browser.close();
    publisher.closeAllConnections();
    publisher.close();
    silent.close();
    await playground.run(["stop"]);
    await playground.remove();
  }, START_MS_MAX);

  const addressOf = (path: string): string => `http://127.0.0.1:${(publisher.address() as AddressInfo).port}${path}`;
  const add = async (text: string): Promise<void> => {
    await page.getByRole("textbox", { name: "Link or subscription" }).fill(text);
    await page.getByRole("button", { name: "Add", exact: true }).click();
  };

  test("a test of all routes that would take long can be cancelled, and its engine ends", async () => {
    await go(page, "settings/subscriptions");
    await page.getByRole("heading", { name: "No subscription yet" }).waitFor();
    if (binariesHere() === undefined) return;
    const { uuid, publicKey: pbk, shortId: sid } = createExitKeys(loadCrypto().crypto.x25519);
    const { port } = silent.address() as AddressInfo;
    const way = { host: "127.0.0.1", port, sni: "www.decoy.example", label: "Montana SIL" };
    await add(buildShareLink({ uuid, pbk, sid, ...way }));
    await page.getByText("1 entry was added.").waitFor();
    // Nobody ever asks there: nothing comes through the way in.
    await (await clientOf(playground)).vpnSetSettings.mutate({ probeUrl: "http://192.0.2.1/204" });
    await go(page, "settings/checks");
    const start = page.getByRole("button", { name: "Test all routes" });
    await start.click();
    const engine = join(playground.data, "tunnel", "test", "tunnel", "engine.json");
    await expect.poll(() => existsSync(engine), { timeout: START_MS_MAX }).toBe(true);
    await page.getByRole("button", { name: "Cancel" }).click();
    await start.waitFor();
    await expect.poll(() => existsSync(engine), { timeout: START_MS_MAX }).toBe(false);
    expect(await page.locator('[role="alert"] [data-code]').count()).toBe(0);
  });

  test("a list is added and shown with its servers; one that cannot be had says why; a wrong one is not taken", async () => {
    await go(page, "settings/subscriptions");
    await add("nonsense");
    await page.locator('[role="alert"] [data-code]').waitFor();
    await add(addressOf("/list"));
    const entry = page.locator(`[data-subscription="${TITLE}"]`);
    await entry.getByText("Servers: 3").waitFor();
    await add(addressOf("/broken"));
    await page.locator('[data-subscription="List of 127.0.0.1"] [data-code]').waitFor();
    await page.getByRole("button", { name: "Remove List of 127.0.0.1" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await page.locator('[data-subscription="List of 127.0.0.1"]').waitFor({ state: "detached" });
    await entry.waitFor();
  });

  test("what the tunnel takes is kept, and a field says what it does not take", async () => {
    await go(page, "settings/tunnel");
    await page.getByText("Kill switch", { exact: true }).click();
    await page.getByText("In force from the next connect on.").waitFor();
    await page.getByRole("button", { name: "For experts" }).click();
    const port = page.getByRole("textbox", { name: "Local port" });
    await port.fill("99999");
    await page.getByText("A port is a number from 1 to 65535.").waitFor();
    expect(await page.getByRole("button", { name: "Save" }).isDisabled()).toBe(true);
    await port.fill("18080");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.").waitFor();
    const said = (await playground.run(["vpn", "settings", "--json"])).json();
    expect(said).toMatchObject({ killSwitch: true, port: 18_080 });
  });

  test("diagnostics are seen as they are saved, without the addresses of lists", async () => {
    await go(page, "settings/diagnostics");
    await page.getByRole("button", { name: "Show what would be saved" }).click();
    const shown = (await page.getByRole("region", { name: "The report" }).textContent()) ?? "";
    expect(shown).toContain("version");
    expect(shown).not.toContain(addressOf(""));
    expect(shown).not.toContain(TITLE);
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Save as a file" }).click();
    expect(await readFile(await (await download).path(), "utf8")).toBe(shown);
  });

  test("theme and language are in force at once, and kept by the host", async () => {
    await go(page, "settings/look");
    await page.getByText("Dark", { exact: true }).click();
    await page.locator(':root[data-theme="dark"]').waitFor();
    await page.getByRole("button", { name: "Language" }).click();
    await page.getByRole("option", { name: "Русский" }).click();
    await page.getByRole("heading", { name: "Настройки" }).waitFor();
    await page.reload();
    await page.locator(':root[data-theme="dark"][lang="ru"]').waitFor();
    await page.getByRole("heading", { name: "Настройки" }).waitFor();
  });

  test("the browser complained of nothing", () => {
    expect(opened.complaints).toEqual([]);
  });
});
