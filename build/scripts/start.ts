/**
 * `npm start`: the practice network and the app on it, in the browser where there is no Electron. All through the command line,
 * as a person would do it; what is given goes on to it (`npm start -- --data-dir DIR`).
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { locateData, type DataDirectory } from "../../main/app/dataDirectory.ts";
import { isAlive, readPublished } from "../../main/app/published.ts";
import { LocalDirectory } from "../../main/local/record.ts";
import { NETWORK_NAME } from "../../main/local/networkFile.ts";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const CLI = join(ROOT, "main", "app", "cli.ts");
const SHELL = join(ROOT, "main", "app", "shell", "main.ts");
const HOST_MS_MAX = 10_000;
const POLL_MS = 100;
const given = process.argv.slice(2);

/** Of this platform's Electron, whose package fetches it only when asked to; undefined where nobody has. */
function findElectron(): string | undefined {
  const folder = join(ROOT, "node_modules", "electron");
  const named = join(folder, "path.txt");
  if (!existsSync(named)) return undefined;
  const path = join(process.env["ELECTRON_OVERRIDE_DIST_PATH"] ?? join(folder, "dist"), readFileSync(named, "utf8"));
  return existsSync(path) ? path : undefined;
}

/** Its exit code. */
function montana(...words: string[]): Promise<number> {
  return run(process.execPath, [CLI, ...words, ...given]);
}

function run(program: string, words: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<number> {
  const child = spawn(program, words, { stdio: "inherit", env: { ...process.env, ...environment } });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

/** Where no browser can be opened, as on a machine without a desktop, the person has a link to take elsewhere. */
async function showPage(): Promise<number> {
  const code = await montana("open", "--network", NETWORK_NAME);
  return code === 0 ? 0 : montana("open", "--print");
}

/** The page first where there is something to show: it fills as the network comes up, and is there within five seconds. */
async function start(): Promise<number> {
  const dataAt = given.indexOf("--data-dir");
  const directory = locateData(dataAt === -1 ? undefined : given[dataAt + 1]);
  const { root } = directory;
  const isFirst = !existsSync(new LocalDirectory(join(root, "local")).networkFile);
  const electron = findElectron();
  if (electron === undefined)
    console.log("Electron is not here, so the app opens in the browser. It is the same page.");
  const showApp = (program: string): Promise<number> =>
    run(program, [SHELL, `--network=${NETWORK_NAME}`], { MONTANA_DATA_DIR: root });
  const show = electron === undefined ? showPage : () => showApp(electron);
  if (isFirst) {
    console.log("Making the practice network, once: three cities on this computer, with nodes and exits of their own…");
    return (await montana("local", "start")) || show();
  }
  const shown = show();
  // The network's thirty processes would take the machine from the page, which is there to be looked at meanwhile.
  await (electron === undefined ? shown : Promise.race([shown, untilHostRuns(directory)]));
  return firstFailure(await Promise.all([shown, montana("local", "start")]));
}

/** The app's, which begins with it; or as long as that may take. */
async function untilHostRuns(directory: DataDirectory): Promise<void> {
  const end = performance.now() + HOST_MS_MAX;
  while (performance.now() < end) {
    const published = await readPublished(directory.published);
    if (published?.socket != null && isAlive(published.pid)) return;
    await wait(POLL_MS);
  }
}

const firstFailure = (codes: readonly number[]): number => codes.find((code) => code !== 0) ?? 0;

process.exitCode = await start();
