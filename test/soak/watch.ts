/** What the nodes say of themselves while they run, each through its own API: state root and supply of every window. */
import { setTimeout as wait } from "node:timers/promises";

import { follow, type Client } from "../../main/api/client.ts";
import type { Status } from "../../main/api/contract.ts";
import { reach, type AttachedHost } from "../../main/app/attach.ts";
import { locateData } from "../../main/app/dataDirectory.ts";
import { ProtocolError } from "../../main/protocol/errors.ts";

/** nɈ. */
const EMISSION = 13_000_000_000n;
const RETRY_MS = 500;

export class Watch {
  /** What does not hold, in words. */
  readonly wrong: string[] = [];
  /** Of a window's state root, by whom it was said. */
  readonly #roots = new Map<number, { readonly root: string; readonly by: Set<string> }>();
  readonly #last = new Map<string, Status>();
  readonly #ended: Promise<void>[];
  readonly #stopping = new AbortController();

  /** `nodes`: by name, where their data lie. They may come and go. */
  constructor(nodes: ReadonlyMap<string, string>) {
    this.#ended = [...nodes].map(([name, data]) => this.#follow(name, data));
  }

  /** Of the node's last word; -1 before it has said any. */
  windowOf(name: string): number {
    return this.#last.get(name)?.window ?? -1;
  }

  get lastWindow(): number {
    return Math.max(-1, ...this.#roots.keys());
  }

  /** Windows whose state root several nodes said, always the same. */
  get compared(): number {
    return [...this.#roots.values()].filter(({ by }) => by.size > 1).length;
  }

  /** As one node said it. */
  rootOf(window: number): string | undefined {
    return this.#roots.get(window)?.root;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#ended);
  }

  async #follow(name: string, data: string): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const client = (await reachIfThere(data))?.client;
      if (client !== undefined) await this.#listen(name, client);
      await wait(RETRY_MS);
    }
  }

  #listen(name: string, client: Client): Promise<void> {
    return new Promise((resolve) => {
      const following = follow(
        client,
        (event) => {
          if (event.kind === "snapshot") this.#see(name, event.payload.status);
          if (event.kind === "window-closed" || event.kind === "status") this.#see(name, event.payload);
        },
        () => end(),
      );
      const end = (): void => {
        this.#stopping.signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = (): void => {
        following.stop();
        end();
      };
      if (this.#stopping.signal.aborted) leave();
      else this.#stopping.signal.addEventListener("abort", leave);
    });
  }

  #see(name: string, status: Status): void {
    this.#last.set(name, status);
    const { window, stateRoot, supply } = status;
    if (window === null || stateRoot === null) return;
    if (supply !== null && supply !== String(EMISSION * BigInt(window + 1)))
      this.wrong.push(`${name} has a supply of ${supply} nɈ at window ${window}`);
    const known = this.#roots.get(window);
    if (known === undefined) this.#roots.set(window, { root: stateRoot, by: new Set([name]) });
    else if (known.root === stateRoot) known.by.add(name);
    else
      this.wrong.push(
        `at window ${window} ${name} has state root ${stateRoot}, ${[...known.by].join(", ")} ${known.root}`,
      );
  }
}

/** The host of these data; undefined where none runs, or where one is just coming or going. */
export async function reachIfThere(data: string): Promise<AttachedHost | undefined> {
  try {
    return await reach(locateData(data));
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
