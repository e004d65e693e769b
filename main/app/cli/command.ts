/** What a command is: one entry of the table from which parsing, help and completion are made. */
import type { Client } from "../../api/client.ts";
import type { KeystoreWarning } from "../../keystore/errors.ts";
import type { DataDirectory } from "../dataDirectory.ts";

export interface Option {
  readonly type: "string" | "boolean";
  /** What stands for the value in help; its completion follows from it. */
  readonly value?: "FILE" | "DIR" | "N" | "TEXT" | "HEX" | "AMOUNT" | "NAME" | "NETWORK" | "ADDR";
  readonly choices?: readonly string[];
  readonly isRepeatable?: boolean;
  readonly summary: string;
}

export interface Argument {
  readonly name: string;
  readonly choices?: readonly string[];
  readonly isOptional?: boolean;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly arguments: readonly Argument[];
  readonly options: Readonly<Record<string, Option>>;
  /** More than one line, for its own help. */
  readonly detail?: string;
  /** Undefined where the command has printed its result already. */
  run(called: Call): Promise<Result | undefined>;
}

/** What a command prints: one JSON document, or a text for people. */
export interface Result {
  readonly json: object;
  readonly text: string;
  /** Where the answer itself is what a script asks about; 0 unless given. */
  readonly exitCode?: number;
}

/** A command as it was called. */
export interface Call {
  readonly arguments: readonly string[];
  readonly options: Options;
  readonly directory: DataDirectory;
  /** `--network`; undefined without. */
  readonly network: string | undefined;
  readonly isJson: boolean;
  /** For people alone: standard error, nothing with `--json`. */
  readonly say: (text: string) => void;
  readonly warn: (warnings: readonly KeystoreWarning[]) => void;
  /** Prints a result before the command ends. */
  readonly print: (result: Result) => void;
  /** The running host. */
  readonly connect: () => Promise<Client>;
  /** The same; where none runs, the data that it left, held and opened for this command. */
  readonly connectStored: () => Promise<Client>;
  /** The passphrase from its sources, for the caller to wipe. */
  readonly passphrase: (question: "open" | "new") => Promise<Uint8Array>;
}

/** The options that were given, by name. */
export class Options {
  readonly #values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

  constructor(values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>) {
    this.#values = values;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === "string" ? value : undefined;
  }

  texts(name: string): readonly string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? value.filter((text) => typeof text === "string") : [];
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }
}
