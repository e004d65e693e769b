/** `montana` as a person calls it: a command to its end, and the one JSON document that it prints. */
import { spawn } from "node:child_process";

import { z } from "zod";

import { ProtocolError } from "../protocol/errors.ts";
import { localError } from "./errors.ts";
import { environmentOf, reasonIn } from "./processes.ts";
import type { LocalDirectory } from "./record.ts";

const OUTPUT_MAX = 4_194_304;
const RUN_MS_MAX = 120_000;

const param = z.union([z.string(), z.number(), z.boolean()]);
const failed = z.object({ error: z.object({ code: z.string(), params: z.record(z.string(), param) }) });

export class Program {
  readonly #directory: LocalDirectory;
  readonly #argv: readonly string[];

  /** `argv`: executable and first words. */
  constructor(directory: LocalDirectory, argv: readonly string[]) {
    this.#directory = directory;
    this.#argv = argv;
  }

  /** Throws the command's own {code, params}, and "local-part-failed" where it said nothing of the kind. */
  async run<Schema extends z.ZodType>(
    schema: Schema,
    words: readonly string[],
    dataDirectory?: string,
  ): Promise<z.output<Schema>> {
    const where = dataDirectory === undefined ? [] : ["--data-dir", dataDirectory];
    const { code, out, err } = await this.#spawn([...words, "--json", ...where]);
    const document = parse(out);
    const failure = failed.safeParse(document);
    if (failure.success) throw new ProtocolError(failure.data.error.code, failure.data.error.params);
    // One that crashed says nothing at all, which a schema that takes anything would take for an answer.
    const known = document === undefined ? undefined : schema.safeParse(document);
    if (known?.success === true) return known.data;
    const reason = reasonIn(err) || (code === null ? `no answer in ${RUN_MS_MAX / 1000} s` : `exit code ${code}`);
    throw localError("local-part-failed", { part: `montana ${words.slice(0, 2).join(" ")}`, reason, log: "-" });
  }

  #spawn(
    words: readonly string[],
  ): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
    const [executable = "", ...first] = this.#argv;
    return new Promise((resolve, reject) => {
      const child = spawn(executable, [...first, ...words], {
        ...{
          stdio: ["ignore", "pipe", "pipe"],
          windowsHide: true,
          timeout: RUN_MS_MAX,
          killSignal: "SIGKILL",
          env: environmentOf(this.#directory),
        },
      });
      const texts = { out: "", err: "" };
      const collect = (name: keyof typeof texts) => (chunk: string) => {
        if (texts[name].length < OUTPUT_MAX) texts[name] += chunk;
      };
      child.stdout.setEncoding("utf8").on("data", collect("out"));
      child.stderr.setEncoding("utf8").on("data", collect("err"));
      child.once("error", reject);
      child.once("close", (code) => resolve({ code, ...texts }));
    });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
