/** The command that brings the page into a browser. */
import { spawn } from "node:child_process";

import { call, type Client } from "../../api/client.ts";
import { apiError } from "../../api/errors.ts";
import { attachIfRunning } from "../attach.ts";
import type { Call, Command, Result } from "./command.ts";

export const open: Command = {
  name: "open",
  summary: "show the page in the browser; starts a host where none runs",
  arguments: [],
  options: {
    print: { type: "boolean", summary: "print a link instead: it works once, within a minute" },
    revoke: { type: "boolean", summary: "shut out every page that was opened before" },
  },
  detail:
    "The page stays open to you alone: the link leads to this computer and works once. A page finds the host again after a " +
    "restart; it may use it until a week after it was last shown. A browser that may not read files in hidden folders, as " +
    "some packages of browsers, takes the link of --print.",
  async run(called) {
    const { options } = called;
    if (options.flag("revoke")) return revoke(await called.connect());
    const client = await connectOrStart(called);
    if (options.flag("print")) {
      const { url, untilMs } = await call(client.openPage.mutate());
      return { json: { url, untilMs }, text: url };
    }
    await openInBrowser(client);
    return { json: { opened: true }, text: "The page opens in the browser." };
  },
};

/** Throws `ProtocolError` "browser-not-started" and what the host says. */
export async function openInBrowser(client: Client): Promise<void> {
  const { file } = await call(client.openPage.mutate());
  await showFile(file);
}

async function revoke(client: Client): Promise<Result> {
  const { ended } = await call(client.revokePages.mutate());
  const text = ended === 0 ? "No page was open." : "Every page has to be opened anew.";
  return { json: { ended }, text };
}

async function connectOrStart(called: Call): Promise<Client> {
  const { directory, network } = called;
  const host = await attachIfRunning(directory);
  if (host !== undefined) {
    // One without a node gets its network on the page.
    const { network: running } = await call(host.client.status.query());
    return running === null ? host.client : called.connect();
  }
  // Only here: a command that finds a host needs nothing of it.
  const { startForPage } = await import("../background.ts");
  return (await startForPage(directory, network)).client;
}

/** A program that shows files as the person set it up. Some of them last as long as the browser. */
const OPENERS: Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>> = {
  darwin: ["open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};
const OTHER_OPENER: readonly [string, ...string[]] = ["xdg-open"];
/** One that has failed says so within this time. */
const FAILURE_MS_MAX = 3000;

async function showFile(file: string): Promise<void> {
  const [program, ...words] = OPENERS[process.platform] ?? OTHER_OPENER;
  const child = spawn(program, [...words, file], { detached: true, stdio: "ignore", windowsHide: true });
  const failure = await new Promise<string | undefined>((resolve) => {
    const timer = setTimeout(() => resolve(undefined), FAILURE_MS_MAX);
    const end = (reason: string | undefined): void => {
      clearTimeout(timer);
      resolve(reason);
    };
    child.once("error", (error: NodeJS.ErrnoException) => end(`${program}: ${error.code ?? "unknown"}`));
    child.once("exit", (code) => end(code === 0 ? undefined : `${program} ended with ${code ?? "a signal"}`));
  });
  child.unref();
  if (failure !== undefined) throw apiError("browser-not-started", { reason: failure });
}
