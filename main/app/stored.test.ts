/** Commands on the data that a stopped host left. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";

import { attach } from "./attach.ts";
import { Playground } from "./cli.fixture.ts";
import { locateData } from "./dataDirectory.ts";

let playground: Playground;
let left: { readonly balance: string | null; readonly window: number | null };
beforeAll(async () => {
  playground = await Playground.make();
  await playground.init();
  const { ended } = await playground.start();
  const { client } = await attach(locateData(playground.data));
  await vi.waitFor(async () => expect((await client.status.query()).window).toBeGreaterThan(1), { timeout: 30_000 });
  await playground.run(["stop"]);
  await ended;
  const stored = await playground.run(["balance", "--json"]);
  const { total, window } = stored.json() as { total: string; window: number };
  left = { balance: total, window };
}, 60_000);
afterAll(() => playground.remove());

it("show what there was, by the supply rule, and say that nobody runs", async () => {
  expect(left.balance).toBe(String(13_000_000_000n * BigInt(left.window!)));
  const told = await playground.run(["history", "--limit", "1"]);
  expect(told.err).toContain(`this is solo as it was left, after window ${left.window}`);
  expect(told.out).toContain(`${left.window}  emission  settled  +13 Ɉ`);
});

it("check it and copy it, and leave nothing running or locked behind", async () => {
  expect((await playground.run(["check", "--json"])).json()).toEqual({ windows: left.window! + 1, problems: 0 });
  const copy = join(playground.folder, "copy");
  expect((await playground.run(["backup", copy, "--json"])).json()).toEqual({ directory: copy });
  expect((await stat(join(copy, "store", "store.sqlite"))).size).toBeGreaterThan(0);
  expect(await readdir(join(copy, "wallet"))).toContain("anchors");
  expect(await readdir(playground.data)).not.toContain("host.json");
});

it.runIf(process.platform === "linux")("name a place that takes no folders", async () => {
  const ended = await playground.run(["backup", "/proc/copy", "--json"]);
  expect([ended.code, ended.json()]).toMatchObject([1, { error: { code: "target-unusable" } }]);
});

it("are refused with the pid while another process holds it, and ask a host that runs", async () => {
  const { pid } = await playground.start();
  const asked = await playground.run(["balance"]);
  expect([asked.code, asked.err]).toEqual([0, ""]);
  const written = await playground.run(["export", "--words", "--passphrase-file", playground.passphraseFile, "--json"]);
  expect([written.code, written.json()]).toMatchObject([4, { error: { code: "host-running", params: { pid } } }]);
  await playground.kill();
});

it("need a host for what only a host can do, and a network that is there", async () => {
  for (const words of [["send", "mt", "1"], ["time"], ["bonus", "money"]]) {
    const ended = await playground.run([...words, "--json"]);
    expect([words, ended.code, ended.json()]).toMatchObject([words, 3, { error: { code: "host-not-running" } }]);
  }
  const other = await playground.run(["balance", "--network", "montana", "--json"]);
  expect([other.code, other.json()]).toMatchObject([3, { error: { code: "nothing-stored" } }]);
});

it("make a request of the identity alone, as a picture too", async () => {
  const environment = { MONTANA_DATA_DIR: join(playground.folder, "fresh") };
  const words = ["init", "--machine-key", "file", "--passphrase-file", playground.passphraseFile];
  await playground.run(words, { environment });
  const picture = join(playground.folder, "request.svg");
  const made = await playground.run(["request", "create", "--svg", picture, "--note", "hello", "--json"], {
    environment,
  });
  const { request, pictures } = made.json() as { request: string; pictures: string[] };
  expect(request).toMatch(/^montana:request:/);
  expect((await stat(picture)).size).toBeGreaterThan(1000 * pictures.length);
});
