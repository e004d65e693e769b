/**
 * A host that answers what it is given: the real wire and the real contract, which checks every answer, with no node behind it.
 * For states that a real host reaches after minutes; what it answers was recorded from one (`recording.ts`).
 */
import { initTRPC, tracked } from "@trpc/server";
import { createHTTPHandler } from "@trpc/server/adapters/standalone";
import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { contract, type HostEvent, type Notice, type Output } from "../../main/api/contract.ts";
import { apiError, noticeOf } from "../../main/api/errors.ts";
import { EventRing } from "../../main/api/events.ts";
import type { Procedure } from "../../main/api/procedure.ts";
import { API_PATH } from "../../main/api/server.ts";
import { Loopback } from "../../main/app/loopback/loopback.ts";
import { locatePage } from "../../main/app/loopback/pageFiles.ts";
import { ProtocolError } from "../../main/protocol/errors.ts";
import { welcomeOf } from "../../renderer/features/join/welcome.ts";
import type { Answers } from "./recording.ts";

export interface Shown {
  readonly answers: Answers;
  /** What the host wants known, as it comes. */
  readonly notices?: readonly Notice[];
  /** The moments that are shown once are over. */
  readonly hasSeenAll?: boolean;
  /** Instead of an answer, by the name of the procedure. */
  readonly refusals?: Readonly<Record<string, Notice>>;
}

const FIGURES_MS = 1_000;

type Preferences = Output<"preferences">;

const PREFERENCES: Preferences = {
  ...{ theme: "light", language: "en", favourites: [], isMapReduced: false, motion: "reduced" },
  ...{ notifies: true, startsAtLogin: false, updatesItself: false, onQuit: "ask", seen: [], logLevel: null },
};

export class ShownHost {
  readonly #directory: string;
  readonly #page: Loopback;
  readonly #events = new EventRing();
  readonly #stopping = new AbortController();
  /** What was asked of it while it was silent. */
  readonly #unanswered = new Set<ServerResponse>();
  #isSilent = false;
  /** Of the rates that were recorded, one after the other. */
  #told = 0;
  #shown: Shown | undefined;
  #preferences = PREFERENCES;

  private constructor(directory: string) {
    this.#directory = directory;
    const onDefect = (error: unknown): void => console.error(error);
    const handle = createHTTPHandler({
      router: this.#router(),
      basePath: API_PATH,
      allowMethodOverride: true,
      // What is not shown is refused, as by a host that lacks it; an answer that breaks the contract is a defect of the scene.
      onError: ({ error }) => error.cause instanceof ProtocolError || onDefect(error),
    });
    const api = (request: IncomingMessage, response: ServerResponse): void => {
      if (this.#isSilent) this.#unanswered.add(response);
      else handle(request, response);
    };
    this.#page = new Loopback({ directory, folder: locatePage(), api, streams: { open: 0 }, onDefect });
  }

  static async start(): Promise<ShownHost> {
    const host = new ShownHost(await mkdtemp(join(tmpdir(), "montana-shown-")));
    const timer = setInterval(() => host.#tellFigures(), FIGURES_MS);
    host.#stopping.signal.addEventListener("abort", () => clearInterval(timer));
    return host;
  }

  async end(): Promise<void> {
    this.#stopping.abort();
    await this.#page.stop();
    await rm(this.#directory, { recursive: true });
  }

  /** A link that opens the page once. */
  async open(): Promise<string> {
    return (await this.#page.open()).url;
  }

  /** To whoever has the page open, as one thing after the other. */
  show(shown: Shown): void {
    this.#isSilent = false;
    for (const response of this.#unanswered) response.destroy();
    this.#unanswered.clear();
    this.#shown = { ...shown, answers: asOfNow(shown.answers) };
    this.prefer({ seen: shown.hasSeenAll === true ? momentsOf(this.#shown.answers) : [] });
    const { status, tunnel } = this.#shown.answers.snapshot;
    this.#events.publish({ kind: "status", payload: status });
    if (tunnel !== null) this.#events.publish({ kind: "tunnel", payload: tunnel });
    // So that all that is shown is asked for anew.
    if (status.window !== null) this.#events.publish({ kind: "window-closed", payload: status });
  }

  /** What is shown wants known, now: who comes later is not told of it. */
  tell(): void {
    for (const notice of this.#shown?.notices ?? []) this.#events.publish({ kind: "notice", payload: notice });
  }

  /** As one that was suspended: takes requests and answers none, until something is shown again. */
  fallSilent(): void {
    this.#isSilent = true;
  }

  prefer(change: Partial<Preferences>): void {
    this.#preferences = { ...this.#preferences, ...change };
    this.#events.publish({ kind: "preferences", payload: this.#preferences });
  }

  #answer(name: string, input: unknown): unknown {
    const { answers, refusals } = this.#shown!;
    const refusal = refusals?.[name];
    if (refusal !== undefined) throw new ProtocolError(refusal.code, refusal.params);
    switch (name) {
      case "ping":
      case "status":
        return answers.snapshot.status;
      case "preferences":
        return this.#preferences;
      case "setPreferences":
        this.prefer(input as Partial<Preferences>);
        return this.#preferences;
    }
    if (!Object.hasOwn(answers, name)) throw apiError("service-unavailable", { service: "node" });
    return answers[name];
  }

  /** Once a second, as of now, what was recorded: figures that are older are shown as such. */
  #tellFigures(): void {
    const { answers } = this.#shown ?? {};
    if (answers?.snapshot.tunnel?.state !== "connected") return;
    const { rates } = answers["vpnHistory"] as Output<"vpnHistory">;
    const rate = { ...(rates[this.#told++ % rates.length] ?? { up: 0, down: 0 }), atMs: Date.now() };
    this.#events.publish({ kind: "tunnel-figures", payload: { ...answers.snapshot.tunnel, rate } });
  }

  async *#follow(): AsyncGenerator<HostEvent> {
    const { signal } = this.#stopping;
    yield* this.#events.follow(undefined, () => Promise.resolve(this.#shown!.answers.snapshot), signal);
  }

  /** Every procedure of the contract, with its own checks of what goes in and comes out. */
  #router() {
    const t = initTRPC.create({
      errorFormatter: ({ shape, error }) => ({
        ...{ message: shape.message, code: shape.code },
        data: { httpStatus: shape.data.httpStatus, notice: noticeOf(error.cause).notice },
      }),
    });
    const follow = (): AsyncGenerator<HostEvent> => this.#follow();
    const procedures = Object.entries<Procedure>(contract).map(([name, { kind, input, output }]) => {
      const checked = t.procedure.input(input);
      if (kind === "subscription") {
        return [
          name,
          checked.subscription(async function* () {
            for await (const event of follow()) yield tracked(event.cursor, output.parse(event));
          }),
        ];
      }
      const answer = ({ input: asked }: { input: unknown }): unknown => this.#answer(name, asked);
      return [name, kind === "query" ? checked.output(output).query(answer) : checked.output(output).mutation(answer)];
    });
    return t.router(Object.fromEntries(procedures) as Parameters<typeof t.router>[0]);
  }
}

/** As the page names them. */
function momentsOf(answers: Answers): string[] {
  const { entries } = answers["history"] as Output<"history">;
  return entries.flatMap((entry) => welcomeOf([entry])?.name ?? []);
}

/** Times as long ago as they were when they were recorded. */
function asOfNow(answers: Answers): Answers {
  const passedMs = Date.now() - answers.atMs;
  return JSON.parse(JSON.stringify(answers), (name, value: unknown) =>
    typeof value === "number" && /(?:^at|At|Until|since)Ms$/i.test(name) && name !== "sessionMs"
      ? value + passedMs
      : value,
  ) as Answers;
}
