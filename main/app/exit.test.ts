/** A city as its operator meets it: through the command line, with and without a host. */
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import type { Output } from "../api/contract.ts";
import { decodeMyVpn } from "../cities/myVpn.ts";
import { askThrough } from "../mesh/exit/exit.fixture.ts";
import { readQrImage } from "../vpn/subscriptions/qrImage.ts";
import {
  binariesHere,
  DECOY_NAME,
  freePort,
  SITE_NAME,
  startDecoy,
  startSite,
  type TestDecoy,
  type TestSite,
} from "../xray/mesh.fixture.ts";
import { Playground } from "./cli.fixture.ts";

/** Of the unit as it is installed, behind `montana start`. */
const UNIT = fileURLToPath(new URL("../../resources/systemd/montana-exit.service", import.meta.url));
const unitWords = (): readonly string[] =>
  /^ExecStart=\/usr\/local\/bin\/montana start (.*)$/m.exec(readFileSync(UNIT, "utf8"))![1]!.split(" ");

const WAIT = { timeout: 60_000, interval: 200 };

describe.skipIf(binariesHere() === undefined)("montana exit", () => {
  let playground: Playground;
  let decoy: TestDecoy;
  let site: TestSite;
  beforeAll(async () => {
    playground = await Playground.make();
    [decoy, site] = await Promise.all([startDecoy(), startSite()]);
    await writeFile(join(playground.folder, "decoy.pem"), decoy.certificate);
  });
  afterAll(async () => {
    await playground.remove();
    await Promise.all([decoy.close(), site.close()]);
  });

  const run = async <T>(...words: string[]): Promise<T> => (await playground.run([...words, "--json"])).json() as T;
  const status = () => run<Output<"exitStatus">>("exit", "status");
  const publication = (): string => join(playground.data, "mesh", "public", "my-vpn.json");
  const published = (): string => decodeMyVpn(readFileSync(publication(), "utf8"), "frankfurt", true).vless;

  it("makes a city, which a host then runs, tells of, rotates, withdraws and removes", async () => {
    expect(await status()).toMatchObject({ state: "none", city: null });
    const port = await freePort();
    const words = ["exit", "init", "--city", "Франкфурт-на-Майне", "--code", "fra", "--node", "frankfurt"];
    const where = ["--host", "127.0.0.1", "--listen", "127.0.0.1", "--port", String(port), "--monthly-gb", "5"];
    const practice = ["--practice", "--leave-from", "127.0.0.31", "--known-host", `${SITE_NAME}=127.0.0.1`];
    const site443 = [
      "--decoy",
      DECOY_NAME,
      "--decoy-address",
      `127.0.0.1:${decoy.port}`,
      "--decoy-certificate",
      "decoy.pem",
    ];
    const made = await run<Output<"exitInit">>(...words, ...where, ...practice, ...site443);
    expect(made.status).toMatchObject({ state: "stopped", isPublished: false, city: { code: "fra", country: "DE" } });
    expect(made.decoy!.flightBytes).toBeGreaterThan(500);

    const metricsPort = await freePort();
    const here: Readonly<Record<string, string>> = {
      "/var/lib/montana-exit": playground.data,
      "9464": String(metricsPort),
    };
    await playground.start(
      unitWords().map((word) => here[word] ?? word),
      "montana",
    );
    const link = await vi.waitFor(published, WAIT);
    expect(await askThrough(playground.folder, link, `${site.url}/from`)).toMatchObject({ result: "ok" });
    expect(site.callers).toContain("127.0.0.31");
    await vi.waitFor(async () => expect((await status()).usage!.bytesDown).toBeGreaterThan(0), WAIT);
    expect(await status()).toMatchObject({ state: "serving", isPublished: true, usage: { bytesMax: 5_000_000_000 } });
    const text = (await playground.run(["exit", "status"])).out;
    expect(text).toContain("Frankfurt am Main (Франкфурт-на-Майне)");
    const picture = join(playground.folder, "link.png");
    expect(await run("exit", "status", "--png", picture)).toMatchObject({ link, png: picture });
    expect(readQrImage(readFileSync(picture))).toBe(link);
    const figures = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    expect(figures).toContain('montana_exit_state{state="serving"} 1');
    expect(figures).toMatch(/montana_exit_month_bytes\{direction="down"\} [1-9]/);
    expect(figures).toContain("montana_exit_decoy_fit 1");
    for (const secret of [link, "127.0.0.1", DECOY_NAME]) expect(figures).not.toContain(secret);

    const rotated = await run<Output<"exitStatus">>("exit", "rotate", "--overlap", "90m");
    expect(rotated.accounts.length).toBe(2);
    await vi.waitFor(() => expect(published()).not.toBe(link), WAIT);
    expect(await askThrough(playground.folder, link, `${site.url}/from`)).toMatchObject({ result: "ok" });

    expect(await run("exit", "withdraw", "--drain", "0s")).toMatchObject({ state: "withdrawn", isPublished: false });
    expect(existsSync(publication())).toBe(false);
    expect((await playground.run(["exit", "remove", "--json"])).json()).toMatchObject({
      error: { code: "not-confirmed" },
    });
    expect(await run("exit", "remove", "--yes")).toMatchObject({ state: "none" });
    expect(existsSync(join(playground.data, "mesh", "exit.json"))).toBe(false);
    expect(await run("exit", "rotate")).toMatchObject({ error: { code: "exit-absent" } });
  }, 300_000);

  it("says what is wrong with an option", async () => {
    const reasonOf = async (...words: string[]): Promise<string> =>
      (await run<{ error: { code: string; params: { reason?: string } } }>("exit", ...words)).error.params.reason ?? "";
    expect(await reasonOf("rotate", "--overlap", "soon")).toContain("--overlap takes a time");
    expect(await reasonOf("init", "--rate-mbit", "5")).toBe("--rate-mbit needs --device");
    expect(await reasonOf("init", "--decoy", "a.example", "--decoy-address", "127.0.0.1:1")).toContain(
      "need --practice",
    );
    expect(await reasonOf("init", "--port", "many")).toContain("--port takes a port");
    expect(await reasonOf("rotate", "--cut-over", "--port", "8443")).toContain("--cut-over takes no --port");
  }, 60_000);

  it("makes and checks a list of cities", async () => {
    const list = join(playground.folder, "list.json");
    const cities = [
      { code: "fra", node: "frankfurt", city: "Frankfurt" },
      { code: "fin", node: "helsinki", city: "Хельсинки", fronts: ["fra"] },
    ];
    await writeFile(list, JSON.stringify({ network: "montana", cities }));
    const made = await run<{ file: string; cities: number }>("city", "make", list);
    expect(made.cities).toBe(2);
    expect(await run("city", "check", made.file)).toEqual({ network: "montana", codes: ["fra", "fin"] });
    await writeFile(list, JSON.stringify({ network: "montana", cities: [{ ...cities[1], fronts: ["xxx"] }] }));
    expect(await run("city", "make", list)).toMatchObject({
      error: { code: "cities-list-invalid", params: { at: "cities[0].vpn.fronts", reason: "unknown-front" } },
    });
    expect(await run("city", "find", "Helsinki")).toMatchObject({ country: "FI", region: "eu" });
  }, 60_000);
});
