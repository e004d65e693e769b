/** Breaking a city for the sake of seeing what follows, mending it, and adding one. */
import { z } from "zod";

import { newCity } from "./cities.ts";
import { localError } from "./errors.ts";
import { startExits } from "./exits.ts";
import { partName, type Break, type Local } from "./local.ts";
import { writeMesh } from "./meshSettings.ts";
import { identify, joinAll, startNodes } from "./nodes.ts";
import { freePorts } from "./ports.ts";
import { CITIES_MAX, type LocalCity } from "./record.ts";
import { writeNetworkFile, writeSites } from "./start.ts";

/** Ends the city's exit, or its node. What it published stays, as when a machine dies. Throws "local-no-node". */
export async function breakCity(local: Local, asked: string, what: Break): Promise<LocalCity> {
  await checkRunning(local);
  const city = local.city(asked);
  if (what === "node" && city.nodePort === null) throw localError("local-no-node", { city: city.name.en });
  local.changeCity(city.code, { broken: { ...city.broken, [what]: true } });
  await local.processes.end([partName(what, city)]);
  return local.city(asked);
}

/** Also brings back what ended by itself. */
export async function healCity(local: Local, asked: string): Promise<LocalCity> {
  await checkRunning(local);
  const { code } = local.city(asked);
  local.changeCity(code, { broken: { vpn: false, node: false } });
  const city = local.city(asked);
  await Promise.all([startExits(local, [city]), startNodes(local, [city])]);
  return city;
}

const place = z.object({
  ...{ code: z.string(), node: z.string(), country: z.string() },
  name: z.object({ en: z.string(), ru: z.string() }),
});

/** A city of the gazetteer, with a node that becomes a candidate. Throws what `montana city find` throws. */
export async function addCity(local: Local, name: string): Promise<LocalCity> {
  await checkRunning(local);
  const found = await local.program.run(place, ["city", "find", name]);
  const { cities } = local.record;
  if (cities.some(({ code, node }) => code === found.code || node === found.node)) {
    throw localError("local-city-exists", { city: found.name.en });
  }
  if (cities.length >= CITIES_MAX) throw localError("local-cities-max", { max: CITIES_MAX });
  const [exitPort = 0, nodePort = 0] = await freePorts([0, 0]);
  const { code, node, country } = found;
  const city = { ...newCity({ code, node, country, name: found.name }, cities.length), exitPort, nodePort };
  local.change({ cities: [...cities, city] });
  await identify(local, city);
  await Promise.all([writeSites(local), writeMesh(local), writeNetworkFile(local)]);
  await Promise.all([startExits(local, [local.city(code)]), startNodes(local, [local.city(code)])]);
  await joinAll(local);
  return local.city(code);
}

async function checkRunning(local: Local): Promise<void> {
  if ((await local.processes.running()).size === 0) throw localError("local-not-running");
}
