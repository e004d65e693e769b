/** A data directory with real hosts for the desktop's tests. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { locateData, type DataDirectory } from "../dataDirectory.ts";
import { createLog } from "../log.ts";
import { openHosting, type Hosting } from "./hosting.ts";

export class HostingGround {
  readonly folder: string;
  readonly directory: DataDirectory;
  readonly #open: Hosting[] = [];

  private constructor(folder: string) {
    this.folder = folder;
    this.directory = locateData(join(folder, "data"));
  }

  static async make(): Promise<HostingGround> {
    return new HostingGround(await mkdtemp(join(tmpdir(), "montana-desktop-")));
  }

  async openHosting(onStopRequest: () => void = () => undefined, network?: string): Promise<Hosting> {
    const log = createLog("error", { write: () => undefined });
    const hosting = await openHosting({ directory: this.directory, log, network, onStopRequest });
    this.#open.push(hosting);
    return hosting;
  }

  async close(): Promise<void> {
    for (const hosting of this.#open.splice(0)) await hosting.close();
  }

  async remove(): Promise<void> {
    await this.close();
    await rm(this.folder, { recursive: true });
  }
}

const WAIT_MS_MAX = 30_000;
const POLL_MS = 10;

/** Waits for what `read` gives; throws after a time that no test needs. */
export async function eventually<T>(read: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const end = performance.now() + WAIT_MS_MAX;
  while (performance.now() < end) {
    const value = await read();
    if (value !== undefined && value !== false) return value;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error("it did not come to that");
}
