/** The practice network as its commands work on it: its record, its processes, and `montana` itself, through which all is done. */
import { join } from "node:path";

import { z } from "zod";

import { localError } from "./errors.ts";
import { NETWORK_NAME } from "./networkFile.ts";
import { Processes, type Part } from "./processes.ts";
import { Program } from "./program.ts";
import { LocalDirectory, readRecord, writeRecord, type LocalCity, type LocalRecord } from "./record.ts";

export interface LocalOptions {
  /** The person's own data directory; the network has a folder in it. */
  readonly dataRoot: string;
  /** How `montana` is called. */
  readonly program: readonly string[];
  /** What is being done, for a person to see. */
  readonly onStep: (step: string) => void;
}

export type Break = "vpn" | "node";

/** All VDFs together leave half of the cores alone; more than a third of a core each would only warm the room. */
const FIRST_CHAINS = 3;
const SHARE_MAX = 1 / 3;
/** A candidate's chain is to be done before its τ₂ windows have passed. */
const TIME_PART = 0.7;

/** Percent of one core. */
export function sharesOf(cores: number): { readonly time: number; readonly candidate: number } {
  const share = 100 * Math.min(SHARE_MAX, cores / 2 / FIRST_CHAINS);
  return { time: Math.max(1, Math.floor(share * TIME_PART)), candidate: Math.max(1, Math.floor(share)) };
}

export class Local {
  readonly directory: LocalDirectory;
  readonly program: Program;
  readonly processes: Processes;
  readonly step: (step: string) => void;

  constructor({ dataRoot, program, onStep }: LocalOptions) {
    this.directory = new LocalDirectory(join(dataRoot, NETWORK_NAME));
    this.program = new Program(this.directory, program);
    this.processes = new Processes(this.directory, program);
    this.step = onStep;
  }

  /** Undefined where there is none. Throws "local-record-damaged". */
  find(): LocalRecord | undefined {
    return readRecord(this.directory.record);
  }

  /** Throws "local-not-running" where there is none. */
  get record(): LocalRecord {
    const record = this.find();
    if (record === undefined) throw localError("local-not-running");
    return record;
  }

  change(change: Partial<LocalRecord>): LocalRecord {
    const record = { ...this.record, ...change };
    writeRecord(this.directory.record, record);
    return record;
  }

  changeCity(code: string, change: Partial<LocalCity>): void {
    const cities = this.record.cities.map((city) => (city.code === code ? { ...city, ...change } : city));
    this.change({ cities });
  }

  /** By code or name in either language. Throws "local-city-unknown". */
  city(asked: string): LocalCity {
    const { cities } = this.record;
    const key = asked.toLowerCase();
    const found = cities.find(({ code, node, name }) =>
      [code, node, name.en, name.ru].some((known) => known.toLowerCase() === key),
    );
    const known = cities.map(({ name, code }) => `${name.en} (${code})`).join(", ");
    if (found === undefined) throw localError("local-city-unknown", { city: asked, known });
    return found;
  }

  sitesPart(): Part {
    return {
      name: "sites",
      words: ["local", "sites", "--json", "--data-dir", join(this.directory.root, "..")],
      announces: true,
    };
  }

  publicPart({ ports }: LocalRecord): Part {
    const listen = ["--config", this.directory.meshSettings, "--listen", `127.0.0.1:${ports.public}`];
    return { name: "public", words: ["mesh", "serve", "--json", ...listen], announces: true };
  }

  aggregatorPart(): Part {
    const words = ["mesh", "aggregate", "--json", "--config", this.directory.meshSettings, "--every", "5"];
    return { name: "aggregator", words, announces: false };
  }

  /** Data and page of the explorer, which the public server serves. */
  explorerPart(): Part {
    const words = ["mesh", "explore", "--json", "--config", this.directory.meshSettings, "--every", "5"];
    return { name: "explorer", words, announces: false };
  }

  exitPart(city: LocalCity): Part {
    const where = ["--data-dir", this.directory.exitData(city)];
    return {
      ...{ name: partName("vpn", city), announces: true },
      words: ["start", "--without-node", "--json", "--log-level", "warn", ...where],
    };
  }

  nodePart(city: LocalCity, timeShare: number): Part {
    const { networkFile } = this.directory;
    const where = ["--data-dir", this.directory.nodeData(city), "--network", networkFile];
    const how = ["--listen", `/ip4/127.0.0.1/tcp/${city.nodePort}`, "--time-share", String(timeShare)];
    return {
      ...{ name: partName("node", city), announces: true },
      words: ["start", "--json", "--log-level", "warn", ...where, ...how],
    };
  }
}

export const partName = (what: Break, { node }: LocalCity): string => `${what === "vpn" ? "exit" : "node"}-${node}`;
export const anything = z.unknown();
