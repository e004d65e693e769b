/** `montana diagnostics`: what helps whoever helps, to be read by the person first. */
import { call } from "../../api/client.ts";
import type { Command } from "./command.ts";
import { writeNew } from "./files.ts";

export const diagnostics: Command = {
  name: "diagnostics",
  summary: "what helps whoever helps, without what identifies you",
  arguments: [{ name: "FILE", isOptional: true }],
  options: {},
  detail:
    "Prints version, status, settings and the newest lines of the log, or writes them to FILE. Keys, words, addresses and visited " +
    "hosts are left out, ids are shortened; read it before you give it to anybody.",
  async run({ arguments: [file], connect }) {
    const { text } = await call((await connect()).diagnostics.query());
    if (file === undefined) return { json: { text }, text };
    await writeNew(file, Buffer.from(text));
    return { json: { file }, text: `Written to ${file}. Read it before you give it to anybody.` };
  },
};
