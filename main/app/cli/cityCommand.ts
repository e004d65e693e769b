/** `montana city`: places by name, and the list of a network's cities. Needs no host. */
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import { apiError } from "../../api/errors.ts";
import { decodeCities } from "../../cities/cities.ts";
import { createDirectory } from "../../files/blocking.ts";
import { replaceFile } from "../../files/replaceFile.ts";
import { makeCities } from "../../mesh/cities/citiesList.ts";
import { findPlace, readGazetteer } from "../../mesh/cities/gazetteer.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { Call, Command, Result } from "./command.ts";

const PUBLIC_MODE = 0o644;

const actions = {
  find({ options }, what) {
    const place = findPlace(readGazetteer(), what, options.text("country"));
    const { name, country, lat, lon, code, node } = place;
    const text = `${name.en} (${name.ru}), ${country}, ${lat} ${lon}; code ${code}, node ${node} unless you say otherwise`;
    return Promise.resolve({ json: place, text });
  },
  check(_, what) {
    const { network, cities } = checkedList(read(what), what);
    const codes = cities.map(({ code }) => code);
    return Promise.resolve({
      json: { network, codes },
      text: `${network}: ${codes.join(", ")}. Nothing is wrong with it.`,
    });
  },
  async make({ options }, what) {
    const to = resolve(options.text("to") ?? join(dirname(what), "cities.json"));
    if (to === resolve(what))
      throw apiError("usage", { reason: "--to must name another file than the list", command: "city" });
    const made = makeCities(read(what), readGazetteer(), Math.floor(Date.now() / 1000));
    createDirectory(dirname(to));
    await replaceFile(to, `${JSON.stringify(made, null, 2)}\n`, PUBLIC_MODE);
    return { json: { file: to, cities: made.cities.length }, text: `${to}: ${made.cities.length} cities.` };
  },
} satisfies Record<string, (called: Call, what: string) => Promise<Result>>;

export const city: Command = {
  name: "city",
  summary: "places by name, and the list of a network's cities: find, check, make",
  arguments: [{ name: "ACTION", choices: Object.keys(actions) }, { name: "WHAT" }],
  options: {
    country: { type: "string", value: "TEXT", summary: "find: two letters" },
    to: { type: "string", value: "FILE", summary: "make: where to write it; cities.json beside the list unless given" },
  },
  detail:
    "find NAME looks a city up, without a network. check FILE says whether a cities.json is right, and where it is not. make FILE " +
    'writes one from a short list: {"network": NAME, "cities": [{"code", "node", "city", "fronts": [CODES], "relays": CODE}]}, ' +
    "with coordinates and names from the list of the world's cities and both ends of each front.",
  run: (called) => actions[called.arguments[0] as keyof typeof actions](called, called.arguments[1]!),
};

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw apiError("file-unreadable", { file, errno: (error as NodeJS.ErrnoException).code ?? "unknown" });
  }
}

function checkedList(text: string, file: string) {
  try {
    return decodeCities(text);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const { code: reason, params } = error as ProtocolError;
    throw apiError("cities-list-invalid", { reason, at: String(params["at"] ?? file) });
  }
}
