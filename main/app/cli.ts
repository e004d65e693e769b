/** The program `montana`. */
import { createCommands } from "./cli/commands.ts";
import { runCommandLine } from "./cli/run.ts";
import { register, RUN_FILE_VARIABLE } from "../local/registration.ts";
import type { NodeContext, RunningNode } from "./host.ts";

// Loaded by the command that needs it alone.
const startNode = async (context: NodeContext): Promise<RunningNode> =>
  (await import("./node.ts")).startHostNode(context);

const noteFile = process.env[RUN_FILE_VARIABLE];
if (noteFile !== undefined) {
  // Not for what this process starts itself.
  Reflect.deleteProperty(process.env, RUN_FILE_VARIABLE);
  if (!(await register(noteFile))) process.exit(0);
}

const code = await runCommandLine(createCommands(startNode), process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
});
// What the program waited for has ended; anything that is still there is late. First all output must be out.
process.stdout.write("", () => process.exit(code));
