/** A program that starts an engine and waits to be killed: `node engineHost.fixture.ts FOLDER [unguarded]`; prints its pid. */
import { findBinaries } from "./binaries.ts";
import { relayConfig } from "./config/serverConfig.ts";
import { openEngineDirectory } from "./directory.ts";
import { startEngine } from "./engine.ts";
import { freePort } from "./mesh.fixture.ts";

const directory = openEngineDirectory(process.argv[2]!, "engine");
const binaries = findBinaries();
const engine = await startEngine({
  binaries: process.argv[3] === "unguarded" ? { ...binaries, guard: undefined } : binaries,
  directory: directory.path,
  config: relayConfig({
    listen: "127.0.0.1",
    port: await freePort(),
    exitHost: "127.0.0.1",
    exitPort: 9,
    api: directory.apiSocket,
  }),
  onEvent: () => undefined,
});
process.stdout.write(`${engine.pid}\n`);
