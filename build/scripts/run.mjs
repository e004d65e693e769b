/**
 * The one door to every command of package.json: `node build/scripts/run.mjs COMMAND [ARGUMENTS…]`. Plain JavaScript that
 * older Node versions run too: it installs what is missing, finds or brings Node 24, builds the add-on, then hands over.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { buildNative } from "./native.mjs";
import { readAudit, remedyOf } from "./npm.mjs";

const NODE_MAJOR_MIN = 24;
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const isWindows = process.platform === "win32";

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  if (error) throw new Error(`${command} could not be started: ${error.message}`);
  return status === 0;
}

/** Installs the pinned dependencies when the lock file is newer than what lies in node_modules. */
async function installDependencies() {
  const installed = join(root, "node_modules", ".package-lock.json");
  const isFresh =
    existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(root, "package-lock.json")).mtimeMs;
  if (isFresh) return;
  // npm would empty what the link leads to, which others work with.
  if (lstatSync(join(root, "node_modules"), { throwIfNoEntry: false })?.isSymbolicLink() === true) return;
  console.log("Installing dependencies (npm ci)…");
  const { code, output } = await npm(["ci", "--no-audit", "--no-fund", "--loglevel", "error"], process.stderr);
  if (code !== 0) throw new Error(remedyOf(output));
}

/** What it says is shown at once where that is wanted. On Windows npm is no program but a script. */
const npm = (args, shownOn) => capture("npm", args, { shell: isWindows }, shownOn);

/** This Node when it is new enough, else the one that came with the dependencies. */
function findNode() {
  if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR_MIN) return process.execPath;
  const names = [`node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`];
  if (process.platform === "darwin") names.push(`node-bin-darwin-${process.arch}`);
  for (const name of names) {
    const candidate = join(root, "node_modules", name, "bin", isWindows ? "node.exe" : "node");
    if (existsSync(candidate)) return candidate;
  }
  throw new Error(
    `Node ${NODE_MAJOR_MIN} or newer is needed; this is ${process.version} and none came with the dependencies for ` +
      `${process.platform}-${process.arch}. Install Node ${NODE_MAJOR_MIN} and run the command again.`,
  );
}

/** The script behind an installed command, to be run by the Node found above instead of the one on PATH. */
function scriptOf(packageName, command) {
  const folder = join(root, "node_modules", packageName);
  const { bin } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return join(folder, typeof bin === "string" ? bin : bin[command]);
}

const hasCargo = () => spawnSync("cargo", ["--version"], { stdio: "ignore" }).status === 0;

/** Rooms with a tsconfig of their own: nothing but the language itself is known in them. */
const PURE_ROOMS = [
  "main/protocol",
  "main/consensus",
  "main/cities",
  ...["messages", "gossip", "privacy", "radio"].map((name) => `main/network/${name}`),
];

/** Below main/native. */
const CRATES = ["crate", "guard", ...(process.platform === "linux" ? ["helper"] : [])];

/** Checks that give one answer each; `npm test` counts them with the tests. */
function checks(node) {
  const tool = (packageName, command, ...args) => [node, [scriptOf(packageName, command), ...args]];
  const list = [
    // Longest first.
    ["lint", ...tool("eslint", "eslint", "--max-warnings", "0", ".")],
    ...PURE_ROOMS.map((room) => [
      `types of ${room} (pure: no ambient types)`,
      ...tool("typescript", "tsc", "-p", room),
    ]),
    ["types", ...tool("typescript", "tsc", "-p", ".")],
    ["types of the page", ...tool("typescript", "tsc", "-p", "renderer")],
    ["format", ...tool("prettier", "prettier", "--check", "--log-level", "warn", ".")],
    ["unused files, exports and dependencies", ...tool("knip", "knip", "--no-progress")],
  ];
  if (hasCargo()) {
    const target = { env: { ...process.env, CARGO_TARGET_DIR: join(root, ".cache", "cargo-target") } };
    for (const crate of CRATES) {
      const manifest = ["--manifest-path", join("main", "native", crate, "Cargo.toml")];
      list.push([`rustfmt of ${crate}`, "cargo", ["fmt", ...manifest, "--check"], target]);
      list.push([
        `clippy of ${crate}`,
        "cargo",
        ["clippy", "--release", "--quiet", ...manifest, "--all-targets", "--", "-D", "warnings"],
        target,
      ]);
    }
  } else {
    console.log("skipped: rustfmt and clippy (no cargo here)");
  }
  return list;
}

/** For set-up: other parts of it go on meanwhile, and what it says must not stand before a program's JSON. */
async function runBeside(command, args) {
  const [code] = await once(spawn(command, args, { cwd: root, stdio: ["inherit", 2, 2] }), "close");
  return code === 0;
}

/** Lint is one thread for a minute and a half. */
const CHECKS_AT_ONCE = 2;
/** The longest tests begin then, and wait for processes and sockets half of their time. */
const CHECKS_BESIDE_TESTS = 1;

/** What a check says is shown when it has ended. `failed` are names. */
async function runChecks(node, atOnce) {
  const list = checks(node);
  const waiting = [...list];
  const failed = [];
  const work = async () => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      const [name, command, args, options] = check;
      const { code, output } = await capture(command, args, options);
      console.log(`check: ${name}`);
      if (code === 0) continue;
      failed.push(name);
      process.stdout.write(output);
    }
  };
  // It waits for others, not for this machine.
  const [isAudited] = await Promise.all([auditDependencies(), ...Array.from({ length: atOnce }, work)]);
  const passed = list.length - failed.length + Number(isAudited === true);
  return { passed, failed: isAudited === false ? [...failed, "npm audit"] : failed };
}

/** In the end: what was said long before is lost among other lines. */
function tellFailed(names) {
  for (const name of names) console.log(`FAILED check: ${name}`);
}

/** `output` is all that it said, `out` its standard output alone. */
function capture(command, args, options = {}, shownOn = undefined) {
  const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"], ...options });
  const said = { output: "", out: "" };
  const collect = (text) => {
    said.output += text;
    if (shownOn !== undefined) shownOn.write(text);
  };
  child.stderr.setEncoding("utf8").on("data", collect);
  child.stdout.setEncoding("utf8").on("data", (text) => {
    said.out += text;
    collect(text);
  });
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(new Error(`${command} could not be started: ${error.message}`)));
    child.once("close", (code) => resolve({ code, ...said }));
  });
}

/** Asked once: a machine without a network is not kept waiting. */
const AUDIT = ["audit", "--json", "--fetch-retries=0", "--fetch-timeout=20000"];

/** Whether something is known of a dependency that this program must not ship with. Undefined where nobody answered that. */
async function auditDependencies() {
  const { out } = await npm(AUDIT);
  const { skipped, known } = readAudit(out);
  if (skipped !== undefined) console.log(`skipped: npm audit (its endpoint does not answer: ${skipped})`);
  else console.log("check: npm audit");
  if (known !== undefined && known.length > 0) console.log(known.join("\n"));
  return known === undefined ? undefined : known.length === 0;
}

async function runTests(node, args) {
  const report = join(root, ".cache", "test-report.json");
  mkdirSync(dirname(report), { recursive: true });
  rmSync(report, { force: true });
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const child = spawn(node, [scriptOf("vitest", "vitest"), "run", ...reporters, ...args], {
    cwd: root,
    stdio: "inherit",
  });
  const [code] = await once(child, "close");
  const { numPassedTests, numFailedTests, numPendingTests } = existsSync(report)
    ? JSON.parse(readFileSync(report, "utf8"))
    : { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0 };
  // A file that fails to load has no failed test in it, and must not pass for that.
  return { passed: numPassedTests, failed: code === 0 ? 0 : Math.max(1, numFailedTests), skipped: numPendingTests };
}

async function test(node, args) {
  const isQuick = args.includes("--quick");
  const rest = args.filter((arg) => arg !== "--quick");
  const [checked, tested] = await Promise.all([
    isQuick || rest.length > 0 ? { passed: 0, failed: [] } : runChecks(node, CHECKS_BESIDE_TESTS),
    runTests(node, isQuick ? ["--exclude", "**/*.slow.test.ts", ...rest] : rest),
  ]);
  tellFailed(checked.failed);
  const passed = checked.passed + tested.passed;
  const failed = checked.failed.length + tested.failed;
  console.log(`${passed} passed, ${failed} failed${tested.skipped > 0 ? `, ${tested.skipped} skipped` : ""}`);
  return failed === 0 && passed > 0;
}

/**
 * Becomes the program as far as that goes: its streams, its signals, its exit code. Standard output is the program's alone;
 * its files are named from where the person stands, which npm leaves.
 */
function handOver(node, args, program = join("main", "app", "cli.ts")) {
  const cwd = process.env.INIT_CWD ?? process.cwd();
  const child = spawn(node, [join(root, program), ...args], { cwd, stdio: "inherit" });
  for (const signal of isWindows ? ["SIGINT", "SIGBREAK"] : ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => child.kill(signal));
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      if (signal === null) resolve(code);
      else {
        process.removeAllListeners(signal);
        process.kill(process.pid, signal);
      }
    });
  });
}

/** Messages lie outside of V8's heap: as it is, it collects everything once a second for their sake, half of the time. */
const MANY_MESSAGES = ["--external-memory-accounted-in-global-limit", "--heap-growing-percent=300"];

const commands = {
  test,
  async check(node) {
    const { failed } = await runChecks(node, CHECKS_AT_ONCE);
    tellFailed(failed);
    return failed.length === 0;
  },
  conformance: (node, args) => run(node, [join("test", "conformance", "main.ts"), ...args]),
  bench: (node, args) => run(node, ["--expose-gc", join("test", "bench", "main.ts"), ...args]),
  fuzz: (node, args) => run(node, [join("test", "fuzz", "main.ts"), ...args]),
  simulate: (node, args) => run(node, [...MANY_MESSAGES, join("test", "simulation", "main.ts"), ...args]),
  crash: (node, args) => run(node, [join("test", "crash", "main.ts"), ...args]),
  cohort: (node, args) => run(node, [join("test", "integration", "cohortMain.ts"), ...args]),
  join: (node, args) => run(node, [join("test", "integration", "join", "main.ts"), ...args]),
  soak: (node, args) => run(node, [join("test", "integration", "main.ts"), ...args]),
  screenshots: (node, args) => run(node, [join("test", "screenshots", "main.ts"), ...args]),
  "local:soak": (node, args) => run(node, [join("test", "soak", "main.ts"), ...args]),
  start: (node, args) => handOver(node, args, join("build", "scripts", "start.ts")),
  montana: handOver,
  format: (node) =>
    run(node, [scriptOf("prettier", "prettier"), "--write", "--log-level", "warn", "."]) &&
    (!hasCargo() ||
      CRATES.every((crate) => run("cargo", ["fmt", "--manifest-path", join("main", "native", crate, "Cargo.toml")]))),
  xray: (node, args) => run(node, [join("build", "scripts", "xray.ts"), ...args]),
  page: (node) => runBeside(node, [join("build", "scripts", "page.ts")]),
  "pack:check": (node) => pack(node, "check"),
  "pack:server": (node) => pack(node, "server"),
  dist: (node) => pack(node, "dist"),
};

/** It takes types out by Node's own means, which Node still calls an experiment. */
const pack = (node, what) =>
  run(node, ["--disable-warning=ExperimentalWarning", join("build", "packaging", "main.ts"), what]);

/** Commands that make packages, which hold everything. */
const PACKING = new Set([commands["pack:check"], commands["pack:server"], commands.dist]);

/** Whether a command shows the page, or starts what may show it. */
const usesPage = (command, args) =>
  command === test ||
  command === commands.screenshots ||
  command === commands.start ||
  PACKING.has(command) ||
  (command === commands.bench && args.every((arg) => arg.startsWith("-") || arg.startsWith("page"))) ||
  (command === handOver && args.some((arg) => ["open", "start", "local"].includes(arg)));

/** Commands that start the tunnel engine, which takes some minutes to build. */
const USING_XRAY = new Set([
  test,
  commands.start,
  handOver,
  commands.bench,
  commands["local:soak"],
  commands.screenshots,
  ...PACKING,
]);

/** Brings what the command needs and gives the Node to run it with. What comes over the network and what is compiled do not wait for each other. */
async function setUp(command, args) {
  const [, node] = await Promise.all([
    buildNative(),
    installDependencies().then(async () => {
      const found = findNode();
      // Without it everything but the tunnel works.
      if (USING_XRAY.has(command)) await runBeside(found, [join("build", "scripts", "xray.ts"), "--optional"]);
      // Without it everything works that shows no page.
      const isBuilt = !usesPage(command, args) || (await runBeside(found, [join("build", "scripts", "page.ts")]));
      if (!isBuilt) console.log("The page could not be built.");
      return found;
    }),
  ]);
  return node;
}

try {
  const [name, ...args] = process.argv.slice(2);
  const command = Object.hasOwn(commands, name ?? "") ? commands[name] : undefined;
  if (command === undefined) throw new Error(`Commands: ${Object.keys(commands).join(", ")}.`);
  // What is said while setting up must not stand before a program's JSON.
  if (command === handOver) console.log = console.error;
  // Half of what a command takes is compiling the program: kept here, for this process's children and theirs.
  process.env.NODE_COMPILE_CACHE ??= join(root, ".cache", "compiled");
  const node = await setUp(command, args);
  const outcome = await command(node, args);
  process.exitCode = typeof outcome === "number" ? outcome : outcome ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
