/** Networks of the fixtures as an aggregator sees them: settings in a directory of its own, nodes that answer from files. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { decodeCities } from "../../cities/cities.ts";
import { readFixture } from "../../cities/cities.fixture.ts";
import type { Answer, Fetcher } from "./fetcher.ts";
import type { NodeFile } from "./nodeFiles.ts";
import { readSettings, type Settings } from "./settings.ts";

export interface MeshPlace {
  readonly directory: string;
  readonly settingsFile: string;
  settings(): Settings;
  readPublic(path: string): string;
  hasPublic(path: string): boolean;
  remove(): void;
}

const HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7XnGx4DUnIPzFS6pXhwHTiRGKmPOJxvwtj4Yt0nGgQ";

/** Writes settings for `cities` with a peer for each of its nodes. */
export function makeMeshPlace(cities: string, change: Readonly<Record<string, unknown>> = {}): MeshPlace {
  const directory = mkdtempSync(join(tmpdir(), "montana-mesh-"));
  const settingsFile = join(directory, "mesh.json");
  writeFileSync(join(directory, "cities.json"), cities);
  const peers = decodeCities(cities).cities.map(({ node }, i) => ({
    ...{ node, host: `192.0.2.${i % 250}`, host_keys: [HOST_KEY] },
  }));
  const document = {
    ...{ version: 1, state: "state", public: "public", cities: "cities.json", keys: "keys", peers },
    ...{ probe_spread_seconds: 0, canonical_exit: peers.at(-1)?.node, ...change },
  };
  writeFileSync(settingsFile, JSON.stringify(document));
  const at = (path: string): string => join(directory, "public", path);
  return {
    directory,
    settingsFile,
    settings: () => readSettings(settingsFile),
    readPublic: (path) => readFileSync(at(path), "utf8"),
    hasPublic: (path) => existsSync(at(path)),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Of the eight cities; its entry comes from before. */
const UNREACHED = "tokyo";

/** What the nodes of a fixture's network answer; `instead` wins, by label and file. */
export function fixtureFetcher(
  network: string,
  instead: (node: string, file: NodeFile) => Answer | undefined,
): Fetcher {
  const document = decodeCities(readFixture(`${network}/cities.json`));
  const hasVpn = new Map(document.cities.map(({ node, vpn }) => [node, vpn.enabled]));
  return {
    fetch: ({ node }, file) => {
      const answer = instead(node, file);
      if (answer !== undefined) return Promise.resolve(answer);
      if (file === "peers" && node === UNREACHED) return Promise.resolve({ kind: "failed", reason: "timeout" });
      if (file !== "my-vpn" && file !== "peers") return Promise.resolve({ kind: "missing" });
      const path = `${network}/nodes/${node}/${file}.json`;
      const isThere = existsSync(fileURLToPath(new URL(`../../../test/fixtures/mesh/${path}`, import.meta.url)));
      if (isThere) return Promise.resolve({ kind: "body", body: readFixture(path) });
      return Promise.resolve(
        file === "my-vpn" && hasVpn.get(node) === true
          ? { kind: "failed", reason: "unreachable" }
          : { kind: "missing" },
      );
    },
  };
}

export const nothingInstead = (): undefined => undefined;
