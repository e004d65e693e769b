/** Runs the driver, kills it, and holds everything it ever said against everything it says later. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const DRIVER = fileURLToPath(new URL("./driver.ts", import.meta.url));

export interface RunOptions {
  readonly directory: string;
  /** The driver ends before this window. */
  readonly windows: number;
  readonly check?: boolean;
  /** Kills after so many milliseconds of work. */
  readonly killAfterMs?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface RunOutcome {
  readonly exit: number | null;
  readonly wasKilled: boolean;
  readonly failure: string | undefined;
  readonly problems: string | undefined;
  readonly height: number;
}

/** What one node has said in all its lives. */
export class Judge {
  /** Everything that broke a promise. */
  readonly faults: string[] = [];
  readonly #sent = new Map<string, string>();
  readonly #roots: Map<number, string>;
  #height = 0;
  #saved = 0;
  /** The most work of the chain that a restart lost, in saves. */
  lostSaves = 0;
  resent = 0;

  /** `roots` are the state roots by window of the twin, filled in by whoever comes first. */
  constructor(roots: Map<number, string>) {
    this.#roots = roots;
  }

  get decided(): number {
    return this.#height;
  }

  get signed(): number {
    return this.#sent.size;
  }

  async run({ directory, windows, check, killAfterMs, environment }: RunOptions): Promise<RunOutcome> {
    const flags = check === true ? ["--check"] : [];
    const child = spawn(process.execPath, [DRIVER, directory, String(windows), ...flags], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...environment },
    });
    let failure: string | undefined;
    let problems: string | undefined;
    let errors = "";
    let timer: NodeJS.Timeout | undefined;
    child.stderr.on("data", (data: Buffer) => (errors += data.toString()));
    const lines = createInterface({ input: child.stdout });
    lines.on("line", (line) => {
      const [what = "", ...words] = line.split(" ");
      if (what === "opened" && killAfterMs !== undefined) timer = setTimeout(() => child.kill("SIGKILL"), killAfterMs);
      if (what === "failed") failure = words[0];
      if (what === "checked") problems = words[0];
      this.#judge(what, words);
    });
    const [exit, signal] = await new Promise<[number | null, string | null]>((resolve) => {
      child.on("close", (code, name) => {
        resolve([code, name]);
      });
    });
    clearTimeout(timer);
    const wasKilled = signal === "SIGKILL";
    if (!wasKilled && exit !== 0 && exit !== 3 && exit !== 137)
      this.faults.push(`driver ended with ${exit}: ${errors}`);
    return { exit, wasKilled, failure, problems, height: this.#height };
  }

  #judge(what: string, words: readonly string[]): void {
    const [first = "", second = ""] = words;
    switch (what) {
      case "opened": {
        const height = Number(first);
        if (height < this.#height) this.faults.push(`decided windows lost: ${this.#height} before, ${height} now`);
        this.#height = Math.max(this.#height, height);
        this.lostSaves = Math.max(this.lostSaves, this.#saved - Number(second));
        this.#saved = Number(second);
        break;
      }
      case "sent": {
        const before = this.#sent.get(first);
        if (before === second) this.resent++;
        else if (before !== undefined) this.faults.push(`contradicted: ${first}`);
        this.#sent.set(first, second);
        break;
      }
      case "saved":
        this.#saved = Number(first);
        break;
      case "decided": {
        const window = Number(first);
        const twin = this.#roots.get(window);
        if (twin !== undefined && twin !== second) this.faults.push(`another state after window ${window}`);
        this.#roots.set(window, second);
        if (window < this.#height) this.faults.push(`window ${window} decided twice`);
        this.#height = window + 1;
        break;
      }
      case "failed":
      case "checked":
      case "closed":
        break;
      default:
        this.faults.push(`unexpected line: ${what}`);
    }
  }
}
