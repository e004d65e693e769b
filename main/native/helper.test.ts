import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { HelperWorld, isRunning, STRANGER, until, USER, whyNoHelper, whyNoResolved } from "./helper.fixture.ts";

const reason = whyNoHelper();
const OUTSIDE = "198.51.100.1";
const OUTSIDE6 = "2001:db8::1";
const NEIGHBOUR = "192.168.7.9";
const ROUTE = { interface: "montana0", killSwitch: true, lan: true };
const LOUD = JSON.stringify({
  log: { loglevel: "debug" },
  inbounds: [{ listen: "127.0.0.1", port: "20000-28000", protocol: "socks" }],
  outbounds: [{ protocol: "freedom" }],
});
const LOUD_LAST_PORT = `:${(28_000).toString(16).toUpperCase()} `;
const BLOCKED = { engine: null, isRouted: false, isBlocking: true, isPaused: false };

describe.skipIf(reason !== undefined)(
  `the whole-device helper${reason === undefined ? "" : ` (skipped: ${reason})`}`,
  () => {
    let world: HelperWorld;

    beforeEach(async () => {
      world = await HelperWorld.make();
    });

    afterEach(async () => {
      await world.close();
    });

    const codeOf = (message: unknown): unknown => (message as { error?: { code?: unknown } }).error?.code;

    describe("listens to its user alone:", () => {
      test("a stranger cannot reach its socket, and is not heard where he can", async () => {
        await world.serve();
        expect(statSync(world.socket)).toMatchObject({ uid: USER, mode: 0o140600 });
        const shut = world.client(STRANGER);
        await until(() => shut.hasEnded);
        expect(shut.received).toEqual([{ closed: "EACCES" }]);
        chmodSync(world.socket, 0o666);
        const heard = world.client(STRANGER);
        expect(await heard.ask("hello", { version: 1 })).toEqual({ closed: true });
        expect(heard.received.filter((message) => !("closed" in message))).toEqual([]);
      });

      test("root may release and nothing else", async () => {
        await world.serve();
        const root = world.client(0);
        expect(codeOf(await root.ask("hello", { version: 1 }))).toBe("not-allowed");
        expect(codeOf(await root.ask("status"))).toBe("not-allowed");
        expect(await root.get("release")).toEqual({});
      });

      test("one connection governs, others are told that it is busy until that has ended", async () => {
        await world.serve();
        const first = await world.governor();
        const second = world.client();
        expect(codeOf(await second.ask("hello", { version: 1 }))).toBe("busy");
        expect(codeOf(await second.ask("release"))).toBe("busy");
        await first.kill();
        expect(codeOf(await second.ask("status"))).toBe("bad-request");
        expect(await second.get("hello", { version: 1 })).toEqual({ version: 1, isBlocking: false });
      });

      test("silent connections do not keep its user out", async () => {
        await world.serve();
        const silent = Array.from({ length: 6 }, () => world.client());
        const governor = await world.governor();
        expect(await governor.get("status")).toMatchObject({ isRouted: false });
        await until(() => silent.filter((client) => client.hasEnded).length >= 3);
      });
    });

    describe("takes nothing but its few commands:", () => {
      test("each wrong line is refused with what is wrong, and the next is taken", async () => {
        await world.serve();
        const client = await world.governor();
        const wrong: [line: string | Uint8Array, reason: string][] = [
          ["", "syntax"],
          ["{}", "id"],
          ["null", "syntax"],
          ["[]", "syntax"],
          [`{"id":7}`, "do"],
          [`{"id":-1,"do":"status"}`, "id"],
          [`{"id":1e3,"do":"status"}`, "syntax"],
          [`{"id":"7","do":"status"}`, "id"],
          [`{"id":9007199254740992,"do":"status"}`, "number"],
          [`{"id":7,"do":"status","do":"release"}`, "members"],
          [`{"id":7,"do":"status","more":1}`, "members"],
          [`{"id":7,"do":"status"} {}`, "syntax"],
          [`{"id":7,"do":"start","config":{"a":1}}`, "value"],
          [`{"id":7,"do":"start","config":"\\ud800"}`, "syntax"],
          [`{"id":7,"do":"pause","seconds":301}`, "seconds"],
          [`{"id":7,"do":"pause","seconds":0}`, "seconds"],
          [`{"id":7,"do":"route","killSwitch":true,"lan":true}`, "interface"],
          ...["eth0", "montana", "montana1234", "montana0/", "montana0\\u0000", "Montana0"].map(
            (name): [string, string] => [
              `{"id":7,"do":"route","interface":"${name}","killSwitch":true,"lan":true}`,
              "interface",
            ],
          ),
          [`{"id":7,"do":"route","interface":"montana0","killSwitch":1,"lan":true}`, "killSwitch"],
          [Buffer.from([0x7b, 0xff, 0x7d]), "utf8"],
        ];
        for (const [line, wanted] of wrong) {
          const before = client.received.length;
          client.write(Buffer.concat([Buffer.from(line), Buffer.from("\n")]));
          const answer = await until(() => client.received[before]);
          expect([String(line), answer]).toMatchObject([
            String(line),
            { error: { code: "bad-request", params: { reason: wanted } } },
          ]);
        }
        expect(codeOf(await client.ask("hello", { version: 2 }))).toBe("version-unsupported");
        expect(codeOf(await client.ask("route", { ...ROUTE, interface: "montana7" }))).toBe("routes-refused");
        expect(await client.get("status")).toMatchObject({ isRouted: false, isBlocking: false });
        expect(world.traces()).toEqual([]);
      });

      test("a line without end closes the connection and costs no memory", async () => {
        const pid = await world.serve();
        for (let attempt = 0; attempt < 3; attempt++) {
          const client = await world.governor();
          client.write(Buffer.alloc(600_000, "x"));
          await until(() => client.hasEnded);
        }
        expect(residentKiB(pid)).toBeLessThan(16_384);
        expect(await (await world.governor()).get("status")).toMatchObject({ engine: null });
      });

      test("random bytes and broken requests never stop it", async () => {
        const pid = await world.serve();
        const client = await world.governor();
        const whole = JSON.stringify({ id: 1, do: "route", interface: "montana0", killSwitch: false, lan: false });
        let seed = 1;
        const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
        for (let round = 0; round < 2000; round++) {
          const bytes = Buffer.from(whole);
          for (let change = 0; change <= random(4); change++) bytes[random(bytes.length)] = random(256);
          client.write(Buffer.concat([bytes, Buffer.from("\n")]));
        }
        expect(await client.get("status")).toMatchObject({ engine: null, isRouted: false });
        expect(isRunning(pid)).toBe(true);
        expect(world.traces()).toEqual([]);
      });
    });

    describe("runs the engine", () => {
      test("as its user, with one right, no environment and no descriptor of its own", async () => {
        const helper = await world.serve();
        const { client, pid } = await world.tunnel();
        const status = readFileSync(`/proc/${pid}/status`, "utf8");
        const field = (name: string) => new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*$`, "m").exec(status)![1];
        const ids = Array(4).fill(USER).join("\t");
        expect(["Uid", "Gid", "Groups", "NoNewPrivs"].map(field)).toEqual([ids, ids, "", "1"]);
        const onlyNetAdmin = (1 << 12).toString(16).padStart(16, "0");
        const sets = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map(field);
        expect(sets).toEqual(Array(5).fill(onlyNetAdmin));
        expect(readFileSync(`/proc/${pid}/environ`, "utf8")).toBe("");
        const sockets = (of: number) =>
          readdirSync(`/proc/${of}/fd`)
            .map((fd) => readlinkSync(`/proc/${of}/fd/${fd}`))
            .filter((target) => target.startsWith("socket:"));
        const ofHelper = sockets(helper);
        expect(ofHelper.length).toBeGreaterThan(1);
        expect(sockets(pid).filter((socket) => ofHelper.includes(socket))).toEqual([]);
        expect(codeOf(await client.ask("start", { config: "{}" }))).toBe("already-running");
        expect(await client.get("status")).toMatchObject({ engine: pid });
        await client.get("stop");
        expect(isRunning(pid)).toBe(false);
        expect(client.received.filter(({ event }) => event === "exited")).toHaveLength(1);
        expect(await client.get("stop")).toEqual({});
        await world.startEngine(client);
        expect(await Promise.all([client.get("stop"), client.get("stop")])).toEqual([{}, {}]);
      });

      test("with no more than that one right for a user who is root", async () => {
        await world.serve(world.engineFile, 0);
        const pid = await world.startEngine(await world.governor(0));
        const status = readFileSync(`/proc/${pid}/status`, "utf8");
        const sets = [...status.matchAll(/^Cap(?:Inh|Prm|Eff|Bnd|Amb):\s*(\S+)$/gm)].map((match) => match[1]);
        expect(sets).toEqual(Array(5).fill("0000000000001000"));
      });

      test("and tells what it says and how it ends when it refuses its configuration", async () => {
        await world.serve();
        const client = await world.governor();
        await client.get("start", { config: `{"inbounds":"ö"}` });
        expect(await client.next(({ event }) => event === "exited")).toEqual({
          event: "exited",
          code: 23,
          signal: null,
        });
        const lines = client.received.filter(({ event }) => event === "line").map(({ text }) => String(text));
        expect(lines.join("\n")).toContain("Failed to start");
      });

      test("no longer than it lives itself", async () => {
        await world.serve();
        const { pid } = await world.tunnel();
        await world.killHelper("SIGKILL");
        await until(() => !isRunning(pid));
      });

      test("no longer than its client is there", async () => {
        await world.serve();
        const { client, pid } = await world.tunnel();
        await client.kill();
        await until(() => !isRunning(pid));
      });

      test("whose many words cost a client that does not read nothing but those words", async () => {
        const pid = await world.serve();
        const client = await world.governor();
        // It says a line for each port.
        const { pid: engine } = await client.get("start", { config: LOUD });
        client.pause();
        await until(() => readFileSync(`/proc/${String(engine)}/net/tcp`, "utf8").includes(LOUD_LAST_PORT));
        const other = world.client();
        expect(codeOf(await other.ask("status"))).toBe("busy");
        expect(residentKiB(pid)).toBeLessThan(16_384);
        client.resume();
        const { lines } = await client.next(({ event }) => event === "dropped");
        expect(lines).toBeGreaterThan(0);
        client.pause();
        expect(world.command("release", "--socket", world.socket)).toMatchObject({ status: 0 });
        expect(isRunning(engine as number)).toBe(false);
      });
    });

    describe("leads everything into the tunnel", () => {
      test("of both families, but the engine's own and, where asked, the neighbours, and never a resolver", async () => {
        await world.serve();
        const { client } = await world.tunnel();
        await client.get("route", ROUTE);
        const way = (address: string, ...how: string[]) => world.wayTo(address, ...how);
        const resolver = ["ipproto", "udp", "dport", "53"];
        expect([way(OUTSIDE), way(OUTSIDE6), way(OUTSIDE, "mark", "19790"), way(OUTSIDE6, "mark", "19790")]).toEqual([
          "montana0",
          "montana0",
          "wire0",
          "wire0",
        ]);
        expect([way(NEIGHBOUR), way("fd77::9"), way(NEIGHBOUR, ...resolver), way("fd77::9", ...resolver)]).toEqual([
          "wire0",
          "wire0",
          "montana0",
          "montana0",
        ]);
        expect(way(OUTSIDE, "ipproto", "udp", "sport", "68", "dport", "67")).toBe("wire0");
        const traces = world.traces();
        await client.get("route", ROUTE);
        expect(world.traces()).toEqual(traces);
        await client.get("route", { ...ROUTE, lan: false });
        expect([way(NEIGHBOUR), way("fd77::9"), way("127.0.0.1")]).toEqual(["montana0", "montana0", "lo"]);
        expect(world.run("nft list ruleset")).not.toContain("192.168.0.0");
        await client.get("route", { ...ROUTE, killSwitch: false });
        expect(world.run("nft list tables").trim()).toBe("table inet montana_dns");
        expect(await client.get("status")).toMatchObject({ isRouted: true, isBlocking: false });
        await client.get("unroute", { keepBlocked: false });
        expect(world.traces()).toEqual([]);
        expect(way(OUTSIDE)).toBe("wire0");
      });

      test("and nowhere once the engine has ended, until a new one is led to", async () => {
        await world.serve();
        const { client, pid } = await world.tunnel();
        await client.get("route", { ...ROUTE, killSwitch: false });
        process.kill(pid, "SIGKILL");
        await client.next(({ event }) => event === "exited");
        expect(client.received).toContainEqual({ event: "exited", code: null, signal: 9 });
        await until(() => world.wayTo(OUTSIDE) === undefined);
        expect([world.wayTo(OUTSIDE6), world.wayTo(NEIGHBOUR)]).toEqual([undefined, "wire0"]);
        expect(await client.get("status")).toEqual(BLOCKED);
        await world.startEngine(client);
        await client.get("route", { ...ROUTE, killSwitch: false });
        expect([world.wayTo(OUTSIDE), world.wayTo(OUTSIDE6)]).toEqual(["montana0", "montana0"]);
      });

      test("on a machine whose IPv6 is switched off, and nothing of IPv6 leaves when it is switched on", async () => {
        await world.serve();
        world.run("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1");
        const { client } = await world.tunnel();
        await client.get("route", ROUTE);
        expect([world.wayTo(OUTSIDE), world.wayTo(OUTSIDE6)]).toEqual(["montana0", undefined]);
        world.run("sysctl -qw net.ipv6.conf.wire0.disable_ipv6=0");
        world.run("ip address add fd77::1/64 dev wire0 nodad");
        world.run("ip -6 route add default via fd77::2");
        expect(world.wayTo(OUTSIDE6)).toBeUndefined();
        await client.get("release");
        expect(world.traces()).toEqual([]);
      });

      test("through a strict reverse path filter, which is strict again afterwards", async () => {
        const filter = () => world.run("sysctl -n net.ipv4.conf.all.rp_filter").trim();
        world.run("sysctl -qw net.ipv4.conf.all.rp_filter=1");
        await world.serve();
        const { client } = await world.tunnel();
        await client.get("route", ROUTE);
        expect(filter()).toBe("2");
        await client.get("release");
        expect(filter()).toBe("1");
      });

      test("and keeps programs that choose their interface themselves from asking a resolver there", async () => {
        await world.serve();
        const { client } = await world.tunnel();
        await client.get("route", { ...ROUTE, killSwitch: false });
        await world.killHelper("SIGKILL");
        // Such a program is not led by the rules: as if there were none.
        world.removeRules();
        for (const port of [53, 853]) {
          expect([world.sends(NEIGHBOUR, port), world.sends(OUTSIDE6, port)]).toEqual([false, false]);
        }
        expect([world.sends(NEIGHBOUR, 9), world.sends(OUTSIDE, 9), world.sends("127.0.0.1", 53)]).toEqual([
          true,
          true,
          true,
        ]);
        await world.serve();
        expect(world.sends(NEIGHBOUR, 53)).toBe(true);
      });

      const noResolved = whyNoResolved();
      const skipped = noResolved === undefined ? "" : ` (skipped: ${noResolved})`;
      test.skipIf(noResolved !== undefined)(
        `with systemd-resolved's questions, for as long as it stands${skipped}`,
        async () => {
          await world.startResolved();
          await world.serve();
          const { client } = await world.tunnel();
          const links = () =>
            world
              .run("resolvectl dns")
              .trim()
              .split("\n")
              .map((line) => line.trim());
          for (const killSwitch of [true, false]) {
            await client.get("route", { ...ROUTE, killSwitch });
            expect(links().filter((line) => line.endsWith("(montana0): 1.1.1.1"))).toHaveLength(1);
            expect(world.run("resolvectl query --cache=no a.example")).toMatch(/203\.0\.113\.9 .*link: montana0/);
            // The network's own name server is kept, and not asked.
            expect(links().filter((line) => line.endsWith("(wire0): 192.168.7.2"))).toHaveLength(1);
          }
          await client.get("unroute", { keepBlocked: false });
          expect(links().filter((line) => line.includes("1.1.1.1"))).toEqual([]);
          expect(world.run("ip address show montana0")).not.toContain("192.0.0.8");
        },
      );

      test("not where nft is missing and a kill switch is asked for", async () => {
        const nft = ["/usr/sbin/nft", "/usr/bin/nft", "/sbin/nft"].filter((path) => existsSync(path));
        for (const path of nft) world.run(`mount --bind /dev/null ${path}`);
        await world.serve();
        const { client } = await world.tunnel();
        expect(codeOf(await client.ask("route", ROUTE))).toBe("firewall-missing");
        expect(await client.get("status")).toMatchObject({ isRouted: false });
        await client.get("route", { ...ROUTE, killSwitch: false });
        expect(world.wayTo(OUTSIDE)).toBe("montana0");
      });
    });

    describe("shares nothing with other programs:", () => {
      test.each([
        ["Tailscale's rule", "ip rule add pref 5210 fwmark 0x80000/0xff0000 lookup main", "rule"],
        ["a rule to table 52", "ip -6 rule add pref 100 to fd7a::/48 lookup 52", "rule"],
        ["Tailscale's route", "ip route add 100.64.0.0/10 dev wire0 table 52", "table"],
      ])("%s makes it refuse, and stays", async (_, line, what) => {
        world.run(line);
        const before = [world.run("ip rule"), world.run("ip -6 rule"), world.run("ip route show table all")];
        await world.serve();
        const client = await world.governor();
        world.run("ip tuntap add dev montana0 mode tun");
        expect(await client.ask("route", ROUTE)).toMatchObject({ error: { code: "routes-taken", params: { what } } });
        await client.get("release");
        expect([world.run("ip rule"), world.run("ip -6 rule"), world.run("ip route show table all")]).toEqual(before);
      });

      test("rules, routes and tables of others outlive a release", async () => {
        world.run("ip rule add pref 5300 fwmark 7 lookup 53");
        world.run("ip route add 10.9.0.0/16 dev wire0 table 53");
        world.run("nft add table inet other");
        const look = () => [world.run("ip rule"), world.run("ip route show table all"), world.run("nft list ruleset")];
        const before = look();
        await world.serve();
        const { client } = await world.tunnel();
        await client.get("route", ROUTE);
        await client.get("release");
        await until(() => !world.run("ip link").includes("montana0"));
        expect(look()).toEqual(before);
      });

      test("what another program takes away is put back", async () => {
        await world.serve();
        const { client } = await world.tunnel();
        await client.get("route", ROUTE);
        const before = world.traces();
        for (const line of [
          "nft flush ruleset",
          "ip route flush table 52",
          "ip rule del pref 5230",
          "ip -6 rule flush",
        ]) {
          world.run(line);
          await until(() => world.traces().join("\n") === before.join("\n"));
        }
        await client.get("release");
        expect(world.traces()).toEqual([]);
      });
    });

    describe("holds a kill switch", () => {
      test("when its client is killed, and says so to the next one", async () => {
        await world.serve();
        const { client, pid } = await world.tunnel();
        await client.get("route", ROUTE);
        await client.kill();
        await until(() => !isRunning(pid));
        await until(() => world.wayTo(OUTSIDE) === undefined);
        expect([world.wayTo(OUTSIDE6), world.run("nft list tables").trim()]).toEqual([
          undefined,
          "table inet montana_ks",
        ]);
        const next = world.client();
        expect(await next.get("hello", { version: 1 })).toEqual({ version: 1, isBlocking: true });
        expect(await next.get("status")).toEqual(BLOCKED);
        await next.get("release");
        expect(world.traces()).toEqual([]);
      });

      test.each(["SIGKILL", "SIGTERM"] as const)(
        "when it is ended itself by %s, and the next one goes on",
        async (signal) => {
          await world.serve();
          const { client } = await world.tunnel();
          await client.get("route", ROUTE);
          await world.killHelper(signal);
          await until(() => world.wayTo(OUTSIDE) === undefined);
          await world.serve();
          expect(world.wayTo(OUTSIDE6)).toBeUndefined();
          const next = world.client();
          expect(await next.get("hello", { version: 1 })).toMatchObject({ isBlocking: true });
          await world.startEngine(next);
          await next.get("route", ROUTE);
          expect(world.wayTo(OUTSIDE)).toBe("montana0");
        },
      );

      test("until it is released by hand, without any helper", async () => {
        await world.serve();
        const { client } = await world.tunnel();
        await client.get("route", ROUTE);
        await world.killHelper("SIGKILL");
        expect(world.command("release", "--socket", world.socket)).toEqual({ status: 0, ok: {} });
        await until(() => world.traces().length === 0);
        expect([world.wayTo(OUTSIDE), world.wayTo(OUTSIDE6)]).toEqual(["wire0", "wire0"]);
      });

      test("that a release by hand takes from a helper that runs", async () => {
        await world.serve();
        const { client, pid } = await world.tunnel();
        await client.get("route", ROUTE);
        expect(world.command("release", "--socket", world.socket)).toEqual({ status: 0, ok: {} });
        expect([world.traces(), isRunning(pid)]).toEqual([[], false]);
        expect(await client.get("status")).toEqual({ ...BLOCKED, isBlocking: false });
      });

      test("before there is a tunnel, and between two", async () => {
        await world.serve();
        const client = await world.governor();
        await client.get("block", { lan: true });
        expect([world.wayTo(OUTSIDE), world.wayTo(OUTSIDE6), world.wayTo(NEIGHBOUR)]).toEqual([
          undefined,
          undefined,
          "wire0",
        ]);
        expect([world.sends(OUTSIDE, 9), world.sends(OUTSIDE6, 9), world.sends(NEIGHBOUR, 9)]).toEqual([
          false,
          false,
          true,
        ]);
        expect(await client.get("status")).toEqual(BLOCKED);
        await world.startEngine(client);
        await client.get("route", ROUTE);
        expect([world.wayTo(OUTSIDE), world.wayTo(OUTSIDE6)]).toEqual(["montana0", "montana0"]);
        await client.get("block", { lan: false });
        expect([world.wayTo(OUTSIDE), world.sends(NEIGHBOUR, 9)]).toEqual([undefined, false]);
        await client.kill();
        expect(await world.client().get("hello", { version: 1 })).toMatchObject({ isBlocking: true });
      });

      test("that its firewall holds alone when every route and rule is gone", async () => {
        await world.serve();
        const { client } = await world.tunnel();
        await client.get("route", ROUTE);
        await world.killHelper("SIGKILL");
        world.removeRules();
        expect([world.wayTo(OUTSIDE), world.wayTo(OUTSIDE6)]).toEqual(["wire0", "wire0"]);
        expect([world.sends(OUTSIDE, 9), world.sends(OUTSIDE6, 9)]).toEqual([false, false]);
        expect([world.sends(NEIGHBOUR, 9), world.sends("fd77::9", 9), world.sends("127.0.0.1", 53)]).toEqual([
          true,
          true,
          true,
        ]);
        for (const port of [53, 853]) {
          expect([world.sends(NEIGHBOUR, port), world.sends("fd77::9", port)]).toEqual([false, false]);
        }
      });

      test("on request without the tunnel", async () => {
        await world.serve();
        const { client, pid } = await world.tunnel();
        await client.get("route", ROUTE);
        await client.get("unroute", { keepBlocked: true });
        expect([world.wayTo(OUTSIDE), world.wayTo(OUTSIDE6), isRunning(pid)]).toEqual([undefined, undefined, true]);
        await client.get("route", ROUTE);
        expect(world.wayTo(OUTSIDE)).toBe("montana0");
      });

      test("and nothing without one: a killed client leaves no trace, nor does a killed helper's next start", async () => {
        await world.serve();
        const { client, pid } = await world.tunnel();
        await client.get("route", { ...ROUTE, killSwitch: false });
        await client.kill();
        await until(() => !isRunning(pid) && world.traces().length === 0);
        const second = await world.tunnel();
        await second.client.get("route", { ...ROUTE, killSwitch: false });
        await world.killHelper("SIGKILL");
        await world.serve();
        expect(world.traces()).toEqual([]);
      });
    });

    describe("lifts the block for a captive portal", () => {
      const sends = () => [world.sends(OUTSIDE, 9), world.sends(OUTSIDE6, 9)];

      test("until it is told to end that, or the time is over", async () => {
        await world.serve();
        const client = await world.governor();
        expect(await client.get("pause", { seconds: 300 })).toMatchObject({ untilMs: expect.any(Number) as number });
        expect(await client.get("status")).toMatchObject({ isPaused: false });
        await world.startEngine(client);
        await client.get("route", ROUTE);
        const traces = world.traces();
        await client.get("unroute", { keepBlocked: true });
        expect(sends()).toEqual([false, false]);
        await client.get("pause", { seconds: 300 });
        expect(sends()).toEqual([true, true]);
        expect(await client.get("status")).toMatchObject({ isPaused: true, isBlocking: true });
        await client.get("unpause");
        expect(sends()).toEqual([false, false]);
        await client.get("pause", { seconds: 1 });
        await until(() => !world.sends(OUTSIDE, 9) && !world.sends(OUTSIDE6, 9));
        expect(await client.get("status")).toMatchObject({ isPaused: false, isBlocking: true });
        await client.get("route", ROUTE);
        expect(world.traces()).toEqual(traces);
      });

      test("but no longer when its client is killed, or it itself", async () => {
        await world.serve();
        const { client } = await world.tunnel();
        await client.get("route", ROUTE);
        await client.get("pause", { seconds: 300 });
        await client.kill();
        await until(() => !world.sends(OUTSIDE, 9) && !world.sends(OUTSIDE6, 9));
        const next = await world.governor();
        await next.get("pause", { seconds: 2 });
        await world.killHelper("SIGKILL");
        await until(() => !world.sends(OUTSIDE, 9) && !world.sends(OUTSIDE6, 9));
        await world.serve();
        expect(sends()).toEqual([false, false]);
      });
    });

    describe("relies on nothing that others can change:", () => {
      const refusal = (socket: string, engine: string) => {
        const args = ["serve", "--socket", socket, "--uid", String(USER), "--engine", engine];
        return (world.command(...args)["error"] as { code: string }).code;
      };

      test("an engine, a helper or a directory of theirs is refused", async () => {
        const { folder, socket, engineFile } = world;
        expect(refusal(socket, join(folder, "nothing"))).toBe("file-missing");
        expect(refusal(socket, "xray")).toBe("file-unsafe");
        symlinkSync(engineFile, join(folder, "link"));
        expect(refusal(socket, join(folder, "link"))).toBe("file-unsafe");
        expect(refusal(socket, folder)).toBe("file-unsafe");
        chmodSync(engineFile, 0o775);
        expect(refusal(socket, engineFile)).toBe("file-unsafe");
        chmodSync(engineFile, 0o755);
        chownSync(engineFile, USER, 0);
        expect(refusal(socket, engineFile)).toBe("file-unsafe");
        chownSync(engineFile, 0, 0);
        expect(refusal("/tmp/montana/helper.sock", engineFile)).toBe("file-unsafe");
        const theirs = join(folder, "theirs");
        mkdirSync(join(theirs, "below"), { recursive: true });
        chownSync(theirs, USER, USER);
        expect(refusal(join(theirs, "below", "helper.sock"), engineFile)).toBe("file-unsafe");
        chmodSync(world.helperFile, 0o757);
        expect(refusal(socket, engineFile)).toBe("file-unsafe");
        chmodSync(world.helperFile, 0o755);
        await world.serve();
        const client = await world.governor();
        chmodSync(engineFile, 0o777);
        expect(await client.ask("start", { config: "{}" })).toMatchObject({
          error: { code: "engine-not-started", params: { reason: "unsafe" } },
        });
        expect(refusal(socket, engineFile)).toBe("file-unsafe");
        chmodSync(engineFile, 0o755);
        expect(refusal(socket, engineFile)).toBe("socket-taken");
      });

      test("a script is not an engine", async () => {
        const script = join(world.folder, "script");
        writeFileSync(script, "#!/bin/sh\necho run\n", { mode: 0o755 });
        await world.serve(script);
        const client = await world.governor();
        expect(codeOf(await client.ask("start", { config: "{}" }))).toBe("engine-not-started");
      });
    });

    describe("installs itself", () => {
      const digest = () => createHash("sha256").update(readFileSync(world.engineFile)).digest("hex");
      const install = (...more: string[]) =>
        world.command("install", "--engine", world.engineFile, "--uid", String(USER), ...more);

      test("as files that only root can change, and goes without a trace", () => {
        const root = join(world.folder, "root");
        mkdirSync(root);
        expect(install("--sha256", digest(), "--root", root)).toEqual({ status: 0, ok: { service: "systemd" } });
        expect(install("--sha256", digest(), "--root", root)).toEqual({ status: 0, ok: { service: "systemd" } });
        const entries = readdirSync(root, { recursive: true, withFileTypes: true });
        const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
        expect(files.map((file) => [file.slice(root.length), statSync(file).mode & 0o7777]).sort()).toEqual([
          ["/etc/montana/helper.conf", 0o644],
          ["/etc/systemd/system/montana-helper.service", 0o644],
          ["/usr/local/libexec/montana/montana-helper", 0o755],
          ["/usr/local/libexec/montana/xray", 0o755],
        ]);
        for (const { parentPath, name } of entries) {
          const { uid, mode } = statSync(join(parentPath, name));
          expect([name, uid, mode & 0o022]).toEqual([name, 0, 0]);
        }
        expect(readFileSync(join(root, "etc/montana/helper.conf"), "utf8")).toBe(`uid=${USER}\n`);
        expect(readFileSync(join(root, "usr/local/libexec/montana/xray")).equals(readFileSync(world.engineFile))).toBe(
          true,
        );
        const asUser = { uid: USER, gid: USER, encoding: "utf8" } as const;
        expect(spawnSync("find", [root, "-writable"], asUser)).toMatchObject({ status: 0, stdout: "" });
        const unit = join(root, "etc/systemd/system/montana-helper.service");
        const verified = spawnSync("systemd-analyze", ["verify", unit], { encoding: "utf8" });
        // The program that it starts is not on this machine, and systemd may not be either.
        const complaints = verified.error === undefined ? verified.stderr.split("\n") : [];
        expect(complaints.filter((line) => line !== "" && !line.includes("is not executable"))).toEqual([]);
        expect(world.command("uninstall", "--root", root)).toEqual({ status: 0, ok: {} });
        expect(world.command("uninstall", "--root", root)).toEqual({ status: 0, ok: {} });
        const left = readdirSync(root, { recursive: true, withFileTypes: true });
        expect(left.filter((entry) => entry.isFile() || entry.name === "montana")).toEqual([]);
      });

      test("not with an engine that is another than was said", () => {
        const root = join(world.folder, "root");
        mkdirSync(root);
        const refused = install("--sha256", "0".repeat(64), "--root", root);
        expect(refused).toEqual({ status: 1, error: { code: "engine-mismatch", params: {} } });
        expect(readdirSync(join(root, "usr/local/libexec/montana"))).toEqual([]);
      });

      test("on a machine, where it then serves whom it was told, and is released and removed", () => {
        // Nothing of this reaches the real machine: its directories are hidden in the world.
        for (const place of ["/usr/local", "/etc", "/run/systemd"]) {
          if (existsSync(place)) world.run(`mount -t tmpfs -o mode=755 none ${place}`);
        }
        expect(install("--sha256", digest())).toEqual({ status: 0, ok: { service: "none" } });
        expect(
          world.run("stat -c %u:%a /usr/local/libexec/montana/xray /etc/montana/helper.conf").trim().split("\n"),
        ).toEqual(["0:755", "0:644"]);
        expect(world.command("uninstall")).toEqual({ status: 0, ok: {} });
        expect(world.run("ls /usr/local/libexec /etc")).not.toContain("montana");
      });

      test("not without root, nor with arguments that it does not know", () => {
        for (const args of [
          [],
          ["serve", "--uid"],
          ["release", "--all", "yes"],
          ["serve", "--uid", "-1"],
          ["install"],
        ]) {
          expect(codeOf(world.command(...args))).toBe("arguments-invalid");
        }
        const user = spawnSync(world.helperFile, ["release"], { uid: USER, gid: USER, encoding: "utf8" });
        expect([user.status, JSON.parse(user.stderr)]).toEqual([1, { error: { code: "not-root", params: {} } }]);
      });
    });
  },
);

function residentKiB(pid: number): number {
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);
}
