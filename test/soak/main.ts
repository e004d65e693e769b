/** `npm run local:soak -- [--minutes 120] [--seed N] [--state FILE]`; README.md says what it does. */
import { randomInt } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { PASSPHRASE, Playground } from "../../main/app/cli.fixture.ts";
import { binariesHere } from "../../main/xray/mesh.fixture.ts";
import { reportOf } from "./report.ts";
import { Soak, type SoakRecord } from "./soak.ts";

const ROUND_MS = 60_000;
const SAMPLE_MS = 10_000;
const SEED_MAX = 2 ** 32;
/** So that candidates are nodes after half a minute. */
const CANDIDATE_WINDOWS = 20;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "120" },
    seed: { type: "string" },
    state: { type: "string" },
  },
});
const minutes = Number(values.minutes);
const state = values.state === undefined ? undefined : resolve(values.state);
const before =
  state !== undefined && existsSync(state) ? (JSON.parse(readFileSync(state, "utf8")) as SoakRecord) : undefined;
const seed = before?.seed ?? Number(values.seed ?? randomInt(SEED_MAX));
const missing =
  process.platform !== "linux"
    ? "it reads /proc"
    : binariesHere() === undefined
      ? "no engine here (npm run xray)"
      : undefined;
if (missing !== undefined) console.log(`skipped: ${missing}`);
// A run that failed still listens to its nodes.
else process.exit((await soak()) ? 0 : 1);

async function soak(): Promise<boolean> {
  console.log(
    `seed ${seed}, ${minutes} minutes${before === undefined ? "" : `, ${Math.floor(before.seconds / 60)} of them done`}`,
  );
  const playground = await Playground.make(state === undefined ? undefined : `${state}.network`);
  const [home, temporary] = [join(playground.folder, "home"), join(playground.folder, "tmp")];
  for (const folder of [home, temporary]) mkdirSync(folder, { recursive: true });
  const environment = {
    ...{ HOME: home, TMPDIR: temporary, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home, XDG_STATE_HOME: home },
    MONTANA_PASSPHRASE: PASSPHRASE,
  };
  const run = (words: readonly string[]) => playground.run(words, { environment });
  const stop = async (): Promise<void> => {
    for (const words of [["local", "stop"], ["stop"]]) await run(words);
  };
  let interrupting: Promise<void> | undefined;
  const interrupt = async (): Promise<void> => {
    // What a command is doing holds the network; what one leaves that was killed is found by the stop.
    await playground.kill();
    await stop();
    process.exit(1);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      interrupting ??= interrupt();
    });
  }
  try {
    await begin(run, playground.data);
    const soak = new Soak({
      ...{ data: playground.data, run, seed, roundMs: ROUND_MS, sampleMs: SAMPLE_MS, say: (line) => console.log(line) },
      ...(before === undefined ? {} : { before }),
    });
    await soak.run(minutes, save);
    await stop();
    const { windows, compared, stored, wrong } = await soak.end();
    const report = reportOf(soak.record);
    const { rounds, kills, breaks, backSecondsMax, seconds } = soak.record;
    for (const line of report.lines) console.log(line);
    console.log(
      `${(seconds / 60).toFixed(1)} minutes, ${rounds} rounds, ${breaks} breaks, ${kills} kills, back after at most ${backSecondsMax.toFixed(1)} s`,
    );
    console.log(
      `${windows} windows; the same state root at ${compared} of them by the APIs of several nodes, and in the stores: ` +
        [...stored].map(([name, count]) => `${name} ${count}`).join(", "),
    );
    const all = [...wrong, ...report.wrong];
    if (all.length > 0) throw new Error(all.join("\n"));
    console.log("supply is 13 Ɉ times the windows at every one of them; nothing grows, nothing is left");
    await playground.remove();
    return true;
  } catch (error) {
    await interrupting;
    console.log(`FAILED: ${error instanceof Error ? error.message : String(error)}`);
    console.log(`  again: npm run local:soak -- --minutes ${minutes} --seed ${seed}`);
    console.log(`  logs: ${join(playground.data, "local", "logs")}, ${join(playground.data, "host.log")}`);
    await stop();
    return false;
  }
}

/** The practice network, and a person with a tunnel and a node on it, who becomes a candidate. */
async function begin(run: (words: readonly string[]) => ReturnType<Playground["run"]>, data: string): Promise<void> {
  const montana = async (...words: string[]): Promise<void> => {
    const { code, out, err } = await run(words);
    if (code !== 0) throw new Error(`montana ${words.join(" ")}: ${out}${err}`);
  };
  const isNew = !existsSync(join(data, "identity"));
  if (isNew) await montana("init", "--machine-key", "file");
  await montana("local", "start", ...(isNew ? ["--candidate-windows", String(CANDIDATE_WINDOWS)] : []));
  await montana("vpn", "connect", "auto", "--network", "local", "--mode", "local");
  await montana("network", "start", "local");
  if (isNew) await montana("join", "--cpu-share", "20", "--anyway");
}

function save(record: SoakRecord): void {
  if (state === undefined) return;
  writeFileSync(`${state}.new`, JSON.stringify(record));
  renameSync(`${state}.new`, state);
}
