/** What the aggregator is told: the list of cities, made into `cities.json` by `montana city make`, and its settings. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { replaceFile } from "../files/replaceFile.ts";
import { anything, type Local } from "./local.ts";
import { NETWORK_NAME } from "./networkFile.ts";
import type { LocalCity } from "./record.ts";

/** Written anew whenever the cities change; the aggregator reads both before each run. */
export async function writeMesh(local: Local): Promise<void> {
  const { directory, program, record } = local;
  mkdirSync(directory.mesh, { recursive: true, mode: 0o700 });
  await replaceFile(directory.citiesList, jsonOf(listOf(record.cities)));
  await program.run(anything, ["city", "make", directory.citiesList, "--to", directory.cities]);
  await replaceFile(directory.meshSettings, jsonOf(settingsOf(local)));
}

const listOf = (cities: readonly LocalCity[]): object => ({
  network: NETWORK_NAME,
  cities: cities.map(({ code, node, name, country, fronts, relays }, i) => ({
    ...{ code, node, city: name.en, name, country, fronts, phase: i === 0 ? "Active" : "Bootstrap", emits: i === 0 },
    ...(relays === null ? {} : { relays }),
  })),
});

const settingsOf = ({ directory, record: { cities } }: Local): object => ({
  ...{ version: 1, state: "state", public: "public", cities: "cities.json", keys: "keys", probe_spread_seconds: 0 },
  peers: cities.map((city) => ({
    ...{ node: city.node, host: "127.0.0.1", host_keys: [] },
    files: {
      my_vpn: join(directory.published(city), "my-vpn.json"),
      peers: join(directory.nodeData(city), "networks", NETWORK_NAME, "peers.json"),
    },
  })),
  practice: { allow_loopback: true, trusted_roots: "decoy.pem" },
  profile: { title: "Montana practice network" },
});

const jsonOf = (document: object): string => `${JSON.stringify(document, undefined, 2)}\n`;
