/** A city's exit, or its relay: made by `montana exit init`, and run by a host of its own. */
import { existsSync } from "node:fs";

import { z } from "zod";

import { partName, type Local } from "./local.ts";
import type { LocalCity } from "./record.ts";
import { DECOY_NAME, SITE_NAME } from "./sites.ts";

const initAnswer = z.object({ status: z.object({ link: z.string() }) });
const statusAnswer = z.object({ state: z.string(), link: z.string().nullable() });
export type ExitStatus = z.output<typeof statusAnswer>;

/** Makes those that are not made, or were made with other ports, and runs all that nobody broke. Relays come after their exits. */
export async function startExits(local: Local, cities: readonly LocalCity[]): Promise<void> {
  const [relays, exits] = [
    cities.filter(({ relays }) => relays !== null),
    cities.filter(({ relays }) => relays === null),
  ];
  await Promise.all(exits.map((city) => startExit(local, city, undefined)));
  await Promise.all(
    relays.map(async (city) => {
      const { link } = await exitStatus(local, local.city(city.relays!));
      await startExit(local, city, link ?? undefined);
    }),
  );
}

export const exitStatus = (local: Local, city: LocalCity): Promise<ExitStatus> =>
  local.program.run(statusAnswer, ["exit", "status"], local.directory.exitData(city));

async function startExit(local: Local, city: LocalCity, relayOf: string | undefined): Promise<void> {
  if ((await local.processes.running()).has(partName("vpn", city))) return;
  const { directory, program } = local;
  const { ports } = local.record;
  const facts = factsOf(local, city, ports, relayOf);
  const setUp = JSON.stringify(facts);
  if (city.exitSetUp !== setUp) {
    const data = directory.exitData(city);
    // Its port is part of the links that it gave: another one makes another exit.
    if (existsSync(data) && (await exitStatus(local, city)).link !== null)
      await program.run(z.unknown(), ["exit", "remove", "--yes"], data);
    await program.run(initAnswer, ["exit", "init", ...facts], data);
    local.changeCity(city.code, { exitSetUp: setUp });
    local.step(`${city.name.en} has ${city.relays === null ? "an exit" : "a relay"}`);
  }
  if (!city.broken.vpn) await local.processes.start(local.exitPart(city));
}

function factsOf(
  { directory }: Local,
  city: LocalCity,
  ports: Local["record"]["ports"],
  relayOf: string | undefined,
): string[] {
  const place = ["--city", city.name.en, "--country", city.country, "--code", city.code, "--node", city.node];
  const door = ["--host", "127.0.0.1", "--listen", "127.0.0.1", "--port", String(city.exitPort)];
  const practice = ["--practice", "--leave-from", city.leavesFrom, "--publish-to", directory.published(city)];
  if (relayOf !== undefined) return [...place, ...door, ...practice, "--relay-of", relayOf];
  const decoy = ["--decoy", DECOY_NAME, "--decoy-address", `127.0.0.1:${ports.decoy}`];
  const known = ["--decoy-certificate", directory.certificate, "--known-host", `${SITE_NAME}=127.0.0.1`];
  return [...place, ...door, ...practice, ...decoy, ...known];
}
