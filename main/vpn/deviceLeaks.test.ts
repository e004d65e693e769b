import { expect, test } from "vitest";

import { findDeviceLeaks, type AskRoute } from "./deviceLeaks.ts";

const FILES = [
  "nameserver 127.0.0.53\n",
  "# by hand\nnameserver 192.0.2.53\nnameserver 2001:db8::53\nnameserver nonsense\n",
];

async function find(ways: Record<string, string>, files: readonly string[] = FILES): Promise<string[]> {
  const ask: AskRoute = ([, , , address = ""]) => {
    const device = ways[address];
    if (device === "no program") return Promise.resolve(undefined);
    return Promise.resolve({ isThere: device !== undefined, text: `${address} dev ${device} src 192.0.2.7 ` });
  };
  const checks = await findDeviceLeaks({ interface: "montana0", ask, resolverFiles: () => files });
  return checks.map(({ what, result, notice }) => `${what} ${result} ${notice.code}`);
}

test("all is well when the kernel leads names and IPv6 into the tunnel, or nowhere", async () => {
  const inside = { "192.0.2.53": "montana0", "2001:db8::53": "montana0", "2001:db8::1": "montana0" };
  const well = ["resolvers ok leak-resolvers-inside", "ipv6 ok leak-ipv6-inside"];
  expect(await find(inside)).toEqual(well);
  expect(await find({})).toEqual(well);
});

test("a resolver of the local network that is reached past the tunnel is a leak, and so is IPv6", async () => {
  expect(await find({ "192.0.2.53": "eth0", "2001:db8::1": "eth0" })).toEqual([
    "resolvers leak leak-resolvers-outside",
    "ipv6 leak leak-ipv6-outside",
  ]);
});

test("nothing is claimed where the kernel cannot be asked", async () => {
  expect(await find({ "192.0.2.53": "no program", "2001:db8::1": "no program" })).toEqual([
    "resolvers unknown leak-routes-unknown",
    "ipv6 unknown leak-routes-unknown",
  ]);
});
