/** The page in a browser: opens its origin when somebody asks for it, and again after a restart that sessions outlived. */
import { randomInt } from "node:crypto";
import { rm } from "node:fs/promises";
import type { RequestListener, Server } from "node:http";
import { join } from "node:path";

import type { Output } from "../../api/contract.ts";
import { apiError } from "../../api/errors.ts";
import type { PageService } from "../../api/services.ts";
import { createDirectory } from "../../files/blocking.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { listenOnLoopback } from "./loopbackServer.ts";
import { CODE_LIFE_MS, OpeningCodes } from "./openingCodes.ts";
import { removeOpeningFiles, writeOpeningFile } from "./openingFile.ts";
import { readPageFile } from "./pageFiles.ts";
import { originOf } from "./requestGuard.ts";
import { Sessions } from "./sessions.ts";

/** Below what Linux, macOS and Windows give to outgoing connections: a port from here is free again after a restart. */
const PORT_MIN = 20_000;
const PORT_MAX = 32_767;
const PORT_TRIES_MAX = 20;

export interface PageOptions {
  /** For what the page leaves on the disk; made when it is first needed. */
  readonly directory: string;
  /** Of the built page. */
  readonly folder: string;
  readonly api: RequestListener;
  /** The host's subscribers of events. */
  readonly streams: { readonly open: number };
  readonly onDefect: (error: unknown) => void;
}

export class Loopback implements PageService {
  readonly #options: PageOptions;
  readonly #sessions: Sessions;
  readonly #codes = new OpeningCodes();
  #listening: Promise<{ readonly server: Server; readonly port: number }> | undefined;

  constructor(options: PageOptions) {
    this.#options = options;
    this.#sessions = new Sessions(join(options.directory, "sessions"));
  }

  /** Pages that the host before this one served find this one. */
  async start(): Promise<void> {
    await removeOpeningFiles(this.#options.directory);
    if (this.#sessions.recall()?.isInUse === true) await this.#listen();
  }

  async open(): Promise<Output<"openPage">> {
    const { folder, directory } = this.#options;
    if ((await readPageFile(folder, "/")) === undefined) throw apiError("page-not-built", { folder });
    const { port } = await this.#listen();
    const files: string[] = [];
    const code = this.#codes.make(() => files.forEach((file) => void rm(file, { force: true })));
    const untilMs = Date.now() + CODE_LIFE_MS;
    const url = `${originOf(port)}/#code=${code}`;
    const file = await writeOpeningFile(directory, url);
    files.push(file);
    return { url, file, untilMs };
  }

  status(): Output<"pages"> {
    return {
      sessions: this.#listening === undefined ? 0 : this.#sessions.count,
      isWatched: this.#options.streams.open > 0,
    };
  }

  async revoke(): Promise<Output<"revokePages">> {
    this.#codes.clear();
    if (this.#listening === undefined) return { ended: 0 };
    const { server } = await this.#listening;
    // Not at once: the answer to whoever asked may be on one of them.
    setImmediate(() => server.closeAllConnections());
    return { ended: this.#sessions.clear() };
  }

  /** The host has ended its streams before. */
  async stop(): Promise<void> {
    this.#codes.clear();
    await removeOpeningFiles(this.#options.directory);
    const listening = await this.#listening?.catch(() => undefined);
    if (listening === undefined) return;
    await new Promise<void>((resolve) => {
      listening.server.close(() => resolve());
      listening.server.closeAllConnections();
    });
  }

  #listen(): Promise<{ readonly server: Server; readonly port: number }> {
    this.#listening ??= this.#listenNow().catch((error: unknown) => {
      this.#listening = undefined;
      throw error;
    });
    return this.#listening;
  }

  async #listenNow(): Promise<{ readonly server: Server; readonly port: number }> {
    const { directory, folder, api, onDefect } = this.#options;
    createDirectory(directory);
    const remembered = this.#sessions.recall()?.port;
    for (let tries = 1; ; tries++) {
      const port = tries === 1 && remembered !== undefined ? remembered : randomInt(PORT_MIN, PORT_MAX + 1);
      try {
        const options = { sessions: this.#sessions, codes: this.#codes, folder, api, onDefect };
        const server = await listenOnLoopback(port, options);
        this.#sessions.settle(port);
        return { server, port };
      } catch (error) {
        const isTaken = error instanceof ProtocolError && error.code === "port-in-use";
        if (!isTaken || tries === PORT_TRIES_MAX) throw error;
      }
    }
  }
}
