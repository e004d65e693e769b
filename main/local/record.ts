/** What the practice network is, in one file: a start after a crash at any instant finds what was there and goes on from it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { z } from "zod";

import { readSealed, writeSealed } from "../files/sealedFile.ts";
import { localError } from "./errors.ts";

const RECORD_MAX = 262_144;
/** Addresses of this machine from this one on are those that the cities' traffic leaves from. */
const FIRST_ADDRESS = 11;
export const CITIES_MAX = 16;

const port = z.int().min(1).max(65_535);

const citySchema = z.strictObject({
  code: z.string().regex(/^[a-z]{3}$/),
  /** Label in the network, and the name of its folder. */
  node: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/),
  name: z.strictObject({ en: z.string(), ru: z.string() }),
  country: z.string(),
  /** Codes of the cities that it stands in for. */
  fronts: z.array(z.string()),
  /** Code of the city that it forwards to, instead of being an exit and a node. */
  relays: z.string().nullable(),
  leavesFrom: z.string(),
  exitPort: port,
  /** Null for a relay. */
  nodePort: port.nullable(),
  /** Who its node is; null until there is one. */
  identity: z
    .strictObject({
      ...{ accountId: z.string(), nodeId: z.string(), peerId: z.string() },
      ...{ accountPublicKey: z.string(), nodePublicKey: z.string() },
    })
    .nullable(),
  /** The words that made its exit; null until they have. */
  exitSetUp: z.string().nullable(),
  hasJoined: z.boolean(),
  /** What somebody broke, for the sake of seeing it. */
  broken: z.strictObject({ vpn: z.boolean(), node: z.boolean() }),
});
export type LocalCity = Readonly<z.output<typeof citySchema>>;

const recordSchema = z.strictObject({
  version: z.literal(1),
  tau2Windows: z.int().min(4),
  /** Hashes of a window; null until measured, then for good. */
  d: z.int().min(1).nullable(),
  ports: z.strictObject({ decoy: port, site: port, public: port }),
  /** The bootstrap node's comes first. */
  cities: z.array(citySchema).max(CITIES_MAX),
  /** `starting`: what runs is a part of it, left by a start that was killed. */
  stage: z.enum(["starting", "running", "stopped"]),
});
export type LocalRecord = Readonly<z.output<typeof recordSchema>>;

/** Undefined where there is no practice network. Throws "local-record-damaged", "file-unreadable". */
export function readRecord(file: string): LocalRecord | undefined {
  const found = readSealed(file, RECORD_MAX, (value) => recordSchema.parse(value));
  if (found.kind === "corrupt") throw localError("local-record-damaged", { file });
  return found.kind === "absent" ? undefined : found.value;
}

/** Throws "file-unwritable"; then the old one stands. */
export const writeRecord = (file: string, record: LocalRecord): void => writeSealed(file, record);

/** What the sites need to know of it. */
const sitesSchema = z.object({
  ...{ decoyPort: port, sitePort: port, certificate: z.string(), key: z.string() },
  cities: z.array(z.object({ code: z.string(), address: z.string(), name: citySchema.shape.name })),
});
export type Sites = z.output<typeof sitesSchema>;

export const readSites = (file: string): Sites => sitesSchema.parse(JSON.parse(readFileSync(file, "utf8")));

/** Folders and files, all in one. */
export class LocalDirectory {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  readonly #at = (...names: string[]): string => join(this.root, ...names);

  get record(): string {
    return this.#at("local.json");
  }
  /** For whoever wants to take part: `--network local` finds it. */
  get networkFile(): string {
    return this.#at("network.json");
  }
  get lock(): string {
    return this.#at("local.lock");
  }
  get logs(): string {
    return this.#at("logs");
  }
  /** The program as Node compiled it. */
  get compiled(): string {
    return this.#at("compiled");
  }
  get passphrase(): string {
    return this.#at("passphrase");
  }
  get sites(): string {
    return this.#at("sites.json");
  }
  get certificate(): string {
    return this.#at("mesh", "decoy.pem");
  }
  get mesh(): string {
    return this.#at("mesh");
  }
  get meshSettings(): string {
    return this.#at("mesh", "mesh.json");
  }
  get citiesList(): string {
    return this.#at("mesh", "list.json");
  }
  get cities(): string {
    return this.#at("mesh", "cities.json");
  }
  /** Of a client that looks whether the cities are reached. */
  get client(): string {
    return this.#at("client");
  }
  nodeData({ node }: Pick<LocalCity, "node">): string {
    return this.#at("cities", node, "node");
  }
  exitData({ node }: Pick<LocalCity, "node">): string {
    return this.#at("cities", node, "exit");
  }
  /** Of `my-vpn.json`. */
  published({ node }: Pick<LocalCity, "node">): string {
    return this.#at("cities", node, "public");
  }
}

export const leavesFrom = (index: number): string =>
  process.platform === "darwin" ? "127.0.0.1" : `127.0.0.${FIRST_ADDRESS + index}`;
