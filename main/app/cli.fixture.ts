/** The program as a person starts it: a process of its own, in a directory of its own. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const CLI = fileURLToPath(new URL("cli.ts", import.meta.url));
export const PASSPHRASE = "correct horse battery";

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
  /** The whole of standard output, which must be one JSON document. */
  json(): unknown;
}

export interface Started {
  readonly process: ChildProcess;
  readonly pid: number;
  /** Of its first line of output. */
  readonly announced: unknown;
  readonly ended: Promise<Ended>;
}

export class Playground {
  readonly folder: string;
  readonly data: string;
  readonly passphraseFile: string;
  readonly #children = new Set<ChildProcess>();

  private constructor(folder: string) {
    this.folder = folder;
    this.data = join(folder, "data");
    this.passphraseFile = join(folder, "passphrase");
  }

  /** In a folder of its own, or in this one, which may be there with what another left in it. */
  static async make(folder?: string): Promise<Playground> {
    if (folder !== undefined) await mkdir(folder, { recursive: true });
    const playground = new Playground(folder ?? (await mkdtemp(join(tmpdir(), "montana-app-"))));
    await writeFile(playground.passphraseFile, `${PASSPHRASE}\n`, { mode: 0o600 });
    return playground;
  }

  /** Ends every process that is still there. */
  async kill(): Promise<void> {
    const ends = [...this.#children].map(
      (child) => new Promise<void>((resolve) => child.once("close", () => resolve())),
    );
    for (const child of this.#children) child.kill("SIGKILL");
    await Promise.all(ends);
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true });
  }

  /** Runs a command to its end. */
  async run(words: readonly string[], more: { stdin?: string; environment?: NodeJS.ProcessEnv } = {}): Promise<Ended> {
    const child = this.#spawn(words, more.environment ?? {});
    child.stdin?.end(more.stdin ?? "");
    return endOf(child);
  }

  /** Makes an identity and a solo network with short windows, both without the program's slow part. */
  async init(): Promise<void> {
    const ended = await this.run(["init", "--machine-key", "file", "--passphrase-file", this.passphraseFile]);
    if (ended.code !== 0) throw new Error(ended.err);
  }

  /** Starts a host and waits until it has said that it runs. */
  start(words: readonly string[] = [], network = "solo"): Promise<Started> {
    return this.startPlainly(["--network", network, ...words]);
  }

  /** The same, with these words alone. */
  async startPlainly(words: readonly string[]): Promise<Started> {
    const child = this.#spawn(["start", "--json", ...words], {});
    const ended = endOf(child);
    const line = new Promise<string>((resolve) => child.stdout?.once("data", (chunk: string) => resolve(chunk)));
    const first = await Promise.race([line, ended]);
    if (typeof first !== "string") throw new Error(`the host did not start: ${first.err}`);
    return { process: child, pid: child.pid ?? 0, announced: JSON.parse(first), ended };
  }

  async published(): Promise<Record<string, unknown>> {
    return JSON.parse(await readFile(join(this.data, "host.json"), "utf8")) as Record<string, unknown>;
  }

  #spawn(words: readonly string[], environment: NodeJS.ProcessEnv): ChildProcess {
    const child = spawn(process.execPath, [CLI, ...words], {
      cwd: this.folder,
      env: { ...process.env, MONTANA_PASSPHRASE: "", MONTANA_DATA_DIR: this.data, ...environment },
      stdio: "pipe",
    });
    child.stdout.setEncoding("utf8");
    child.stderr.setEncoding("utf8");
    this.#children.add(child);
    child.once("close", () => this.#children.delete(child));
    return child;
  }
}

function endOf(child: ChildProcess): Promise<Ended> {
  let out = "";
  let err = "";
  child.stdout?.on("data", (chunk: string) => (out += chunk));
  child.stderr?.on("data", (chunk: string) => (err += chunk));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal, out, err, json: () => JSON.parse(out) as unknown }));
  });
}
