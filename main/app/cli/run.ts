/** From the words of a command line to what is printed and the exit code. */
import { parseArgs } from "node:util";

import { call, type Client } from "../../api/client.ts";
import type { Notice } from "../../api/contract.ts";
import { apiError, explain, noticeOf, toNotice } from "../../api/errors.ts";
import type { KeystoreWarning } from "../../keystore/errors.ts";
import { findPassphrase } from "../../keystore/passphrase.ts";
import { ownTerminal } from "../../keystore/terminal.ts";
import { attach, attachIfRunning, type AttachedHost } from "../attach.ts";
import { locateData, type DataDirectory } from "../dataDirectory.ts";
import type { StoredData } from "../stored.ts";
import { Options, type Call, type Command, type Result } from "./command.ts";
import { EXIT, exitCodeOf } from "./exitCodes.ts";
import { createProgress } from "./progress.ts";
import { commandHelp, completionScript, GLOBAL_OPTIONS, helpText, SHELLS, type Shell } from "./help.ts";

export interface Output {
  /** Standard output. */
  readonly out: (text: string) => void;
  /** Standard error. */
  readonly err: (text: string) => void;
}

/** Runs the command that `words` name and gives the exit code. */
export async function runCommandLine(
  commands: readonly Command[],
  words: readonly string[],
  output: Output,
): Promise<number> {
  // Known before anything can go wrong, so that a script gets JSON even for a wrong option.
  const isJson = words.includes("--json");
  try {
    return await runWords(withHelp(commands), words, isJson, output);
  } catch (error) {
    const { notice, isDefect } = noticeOf(error);
    printError(notice, isJson, output);
    // What nobody can be told helps only who repairs the program.
    if (isDefect) printDefect(error, output);
    return exitCodeOf(notice.code);
  }
}

async function runWords(
  commands: readonly Command[],
  words: readonly string[],
  isJson: boolean,
  output: Output,
): Promise<number> {
  const print = (result: Result): void => {
    if (isJson) output.out(`${JSON.stringify(result.json)}\n`);
    else output.out(`${result.text}\n`);
  };
  const [name, rest] = splitCommand(words);
  const command = commands.find((known) => known.name === name);
  if (command === undefined) throw apiError("command-unknown", { command: name });
  const { values, positionals } = parse(command, rest);
  const options = new Options(values);
  if (options.flag("help")) {
    print({ json: { help: commandHelp(command) }, text: commandHelp(command) });
    return EXIT.ok;
  }
  checkArguments(command, positionals);

  const opened = new Opened(isJson, output);
  try {
    const result = await command.run(createCall(options, positionals, isJson, output, print, opened));
    if (result !== undefined) print(result);
    return result?.exitCode ?? EXIT.ok;
  } finally {
    await opened.close();
  }
}

/** The data of a stopped host that a command opened, for the time of the command. */
class Opened {
  readonly #isJson: boolean;
  readonly #output: Output;
  #data: Promise<StoredData> | undefined;

  constructor(isJson: boolean, output: Output) {
    this.#isJson = isJson;
    this.#output = output;
  }

  async open(directory: DataDirectory, network: string | undefined): Promise<Client> {
    this.#data ??= this.#openNow(directory, network);
    return (await this.#data).client;
  }

  async close(): Promise<void> {
    await this.#data?.then(
      (data) => data.close(),
      () => undefined,
    );
  }

  async #openNow(directory: DataDirectory, network: string | undefined): Promise<StoredData> {
    // Only here: the other commands would load it all for nothing, each time.
    const { openStored } = await import("../stored.ts");
    const progress = createProgress(this.#isJson);
    try {
      const data = await openStored({
        ...{ directory, network },
        onProgress: ({ step, done, total }) => progress.show("open", { done, total, unit: step }),
        onDefect: (error) => printDefect(error, this.#output),
      });
      const until = data.window === undefined ? "before its first window" : `after window ${data.window}`;
      progress.end();
      if (!this.#isJson) this.#output.err(`No host runs: this is ${data.network} as it was left, ${until}.\n`);
      return data;
    } finally {
      progress.end();
    }
  }
}

function printDefect(error: unknown, { err }: Output): void {
  err(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
}

function createCall(
  options: Options,
  positionals: readonly string[],
  isJson: boolean,
  { err }: Output,
  print: (result: Result) => void,
  opened: Opened,
): Call {
  const directory = locateData(options.text("data-dir"));
  const network = options.text("network");
  const say = (text: string): void => {
    if (!isJson) err(`${text}\n`);
  };
  const warn = (warnings: readonly KeystoreWarning[]): void => {
    for (const { code, params } of warnings) {
      const { sentence, remedy } = explain(toNotice(code, params));
      say(`note: ${sentence} ${remedy}`);
    }
  };
  const connectTo = async (host: AttachedHost): Promise<Client> => {
    if (network !== undefined) await checkNetwork(host.client, network);
    return host.client;
  };
  return {
    arguments: positionals,
    options,
    directory,
    network,
    isJson,
    say,
    warn,
    print,
    connect: async () => connectTo(await attach(directory)),
    connectStored: async () => {
      const host = await attachIfRunning(directory);
      return host === undefined ? opened.open(directory, network) : connectTo(host);
    },
    async passphrase(question) {
      const found = await findPassphrase({
        file: options.text("passphrase-file"),
        environment: process.env,
        terminal: ownTerminal(),
        prompt: question === "new" ? "New passphrase: " : "Passphrase: ",
        ...(question === "new" ? { repeatPrompt: "Again: " } : {}),
      });
      warn(found.warnings);
      return found.passphrase;
    },
  };
}

/** What people try first. */
const ALIASES: Readonly<Record<string, string>> = { "--help": "help", "-h": "help", "--version": "version" };

/** The command and everything else; the options of every command may stand before it. */
function splitCommand(words: readonly string[]): [name: string, rest: readonly string[]] {
  let place = 0;
  while (place < words.length && ALIASES[words[place]!] === undefined) {
    const option = /^--([a-z-]+)(=.*)?$/.exec(words[place]!);
    if (option === null) break;
    const [, name = "", value] = option;
    place += GLOBAL_OPTIONS[name]?.type === "string" && value === undefined ? 2 : 1;
  }
  const name = words[place] ?? "help";
  return [ALIASES[name] ?? name, [...words.slice(0, place), ...words.slice(place + 1)]];
}

/** Throws `ProtocolError("usage")` for options that the command does not have and values that it does not take. */
function parse({ name, options }: Command, words: readonly string[]) {
  const all = { ...options, ...GLOBAL_OPTIONS };
  const described = Object.entries(all).map(([option, { type, isRepeatable = false }]) => [
    option,
    { type, multiple: isRepeatable },
  ]);
  let parsed;
  try {
    parsed = parseArgs({
      args: [...words],
      options: Object.fromEntries(described) as Record<string, { type: "string" | "boolean"; multiple: boolean }>,
      allowPositionals: true,
      strict: true,
    });
  } catch (error) {
    const [reason = ""] = (error instanceof Error ? error.message : "").split(". ");
    throw apiError("usage", { reason: reason.replace(/\.$/, ""), command: name });
  }
  for (const [option, { choices }] of Object.entries(all)) {
    const value = parsed.values[option];
    if (choices !== undefined && typeof value === "string" && !choices.includes(value)) {
      throw apiError("usage", { reason: `--${option} takes ${choices.join(", ")}, not ${value}`, command: name });
    }
  }
  return parsed;
}

function checkArguments({ name, arguments: args }: Command, given: readonly string[]): void {
  const extra = given[args.length];
  if (extra !== undefined) throw apiError("usage", { reason: `${extra} is one argument too many`, command: name });
  for (const [i, { name: what, choices, isOptional = false }] of args.entries()) {
    const value = given[i];
    if (value === undefined && !isOptional) {
      throw apiError("usage", { reason: `${choices?.join(" or ") ?? what} is missing`, command: name });
    }
    if (value !== undefined && choices !== undefined && !choices.includes(value)) {
      throw apiError("usage", { reason: `${value} is none of ${choices.join(", ")}`, command: name });
    }
  }
}

async function checkNetwork(client: Client, asked: string): Promise<void> {
  const { network } = await call(client.status.query());
  if (network !== asked) throw apiError("other-network", { running: network ?? "none", asked });
}

function printError(notice: Notice, isJson: boolean, { out, err }: Output): void {
  const { sentence, remedy } = explain(notice);
  if (isJson) out(`${JSON.stringify({ error: { ...notice, sentence, remedy } })}\n`);
  else err(`montana: ${sentence}\n${remedy}\n`);
}

function withHelp(commands: readonly Command[]): readonly Command[] {
  const all = [...commands];
  all.push(completionCommand(all), helpCommand(all));
  return all;
}

function helpCommand(commands: readonly Command[]): Command {
  return {
    name: "help",
    summary: "this list, or help for a command",
    arguments: [{ name: "COMMAND", isOptional: true }],
    options: {},
    run({ arguments: [name] }) {
      const command = commands.find((known) => known.name === name);
      if (name !== undefined && command === undefined) throw apiError("command-unknown", { command: name });
      const text = command === undefined ? helpText(commands) : commandHelp(command);
      return Promise.resolve({ json: { help: text }, text });
    },
  };
}

function completionCommand(commands: readonly Command[]): Command {
  return {
    name: "completion",
    summary: "a script that lets the shell complete commands and options",
    arguments: [{ name: "SHELL", choices: SHELLS }],
    options: {},
    detail: 'bash: eval "$(montana completion bash)". zsh: the same. fish: montana completion fish | source.',
    run({ arguments: [shell] }) {
      const script = completionScript(shell as Shell, commands);
      return Promise.resolve({ json: { script }, text: script.trimEnd() });
    },
  };
}
