/** A city's exit, or its relay: made by `montana exit init`, and run by a host of its own. */
import { existsSync } from "node:fs";

import { z } from "zod";

import { partName, type Local } from "./local.ts";
import type { LocalCity } from "./record.ts";
import { DECOY_NAME, SITE_NAME } from "./sites.ts";

const initAnswer = z.object({ status: z.object({ link: z.string() }) });
const statusAnswer = z.object({ state: z.string(), link: z.string().nullable() });
export type ExitStatus = z.output<typeof statusAnswer>;

/** Makes those that are not made, or were made with other ports, and runs all that nobody broke. */
export async function startExits(local: Local, cities: readonly LocalCity[]): Promise<void> {
  const [relays, exits] = [
    cities.filter(({ relays }) => relays !== null),
    cities.filter(({ relays }) => relays === null),
  ];
  const made = new Map(
    await Promise.all(exits.map(async (city) => [city.code, await makeExit(local, city, undefined)] as const)),
  );
  // Before its exit starts, or long after: while it starts nobody can ask it.
  const links = await Promise.all(
    relays.map(async ({ relays: of }) => made.get(of!) ?? (await exitStatus(local, local.city(of!))).link ?? undefined),
  );
  await Promise.all([
    ...exits.map((city) => runExit(local, city)),
    ...relays.map(async (city, i) => {
      await makeExit(local, city, links[i]);
      await runExit(local, city);
    }),
  ]);
}

export const exitStatus = (local: Local, city: LocalCity): Promise<ExitStatus> =>
  local.program.run(statusAnswer, ["exit", "status"], local.directory.exitData(city));

const isRunning = async ({ processes }: Local, city: LocalCity): Promise<boolean> =>
  (await processes.running()).has(partName("vpn", city));

/** Gives its link where it was made now. */
async function makeExit(local: Local, city: LocalCity, relayOf: string | undefined): Promise<string | undefined> {
  if (await isRunning(local, city)) return undefined;
  const { directory, program } = local;
  const facts = factsOf(local, city, local.record.ports, relayOf);
  const setUp = JSON.stringify(facts);
  if (city.exitSetUp === setUp) return undefined;
  const data = directory.exitData(city);
  // Its port is part of the links that it gave: another one makes another exit.
  if (existsSync(data) && (await exitStatus(local, city)).link !== null)
    await program.run(z.unknown(), ["exit", "remove", "--yes"], data);
  const { status } = await program.run(initAnswer, ["exit", "init", ...facts], data);
  local.changeCity(city.code, { exitSetUp: setUp });
  local.step(`${city.name.en} has ${city.relays === null ? "an exit" : "a relay"}`);
  return status.link;
}

async function runExit(local: Local, city: LocalCity): Promise<void> {
  if (!city.broken.vpn && !(await isRunning(local, city))) await local.processes.start(local.exitPart(city));
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
