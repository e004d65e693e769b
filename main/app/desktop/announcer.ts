/** Which of the host's events a person is told of by the desktop's notifications, each once. */
import type { HostEvent, Notice, Output, Status } from "../../api/contract.ts";
import { explain } from "../../api/errors.ts";
import { formatCoins } from "../../api/sentences/amount.ts";
import { say, type Language } from "./texts.ts";
import { nameOfId, type City } from "./trayModel.ts";

export interface Announcement {
  readonly title: string;
  readonly body: string;
}

export interface Listener {
  readonly language: Language;
  readonly cities: readonly City[];
}

const DEADLINES = new Set(["deadline-tight", "deadline-at-risk", "deadline-out-of-reach"]);
/** Entries of the history that were told; more than any person's node is admitted. */
const TOLD_MAX = 64;

type Tunnel = Output<"vpnStatus">;

export class Announcer {
  #tunnel: Tunnel | undefined;
  /** The last city that traffic came out of in this session. */
  #city: string | undefined;
  /** Of the candidate chain: its start and how bad it is. */
  #deadline: string | undefined;
  readonly #told = new Set<string>();

  /** What an event is to be told as; most are not. A snapshot that comes again tells nothing again. */
  take(event: HostEvent, listener: Listener): Announcement[] {
    switch (event.kind) {
      case "snapshot": {
        const { tunnel, status } = event.payload;
        return [...(tunnel === null ? [] : this.#takeTunnel(tunnel, listener)), ...this.#takeStatus(status, listener)];
      }
      case "tunnel":
        return this.#takeTunnel(event.payload, listener);
      case "status":
      case "window-closed":
        return this.#takeStatus(event.payload, listener);
      case "history":
        return this.#takeHistory(event.payload, listener);
      case "notice":
      case "preferences":
      case "task":
      case "tunnel-figures":
        return [];
    }
  }

  #takeTunnel(tunnel: Tunnel, { language, cities }: Listener): Announcement[] {
    const before = this.#tunnel;
    const from = this.#city;
    this.#tunnel = tunnel;
    if (tunnel.state === "disconnected" || before?.chosen !== tunnel.chosen) this.#city = undefined;
    if (tunnel.state === "blocked") {
      return before?.state === "blocked" ? [] : [announce(language, "blocked")];
    }
    if (tunnel.state !== "connected" || tunnel.city === null) return [];
    this.#city = tunnel.city;
    // A person who chose another city knows.
    if (from === undefined || from === tunnel.city || before?.chosen !== tunnel.chosen) return [];
    const [fromName, to] = [from, tunnel.city].map((id) => nameOfId(id, cities, language));
    return [announce(language, "switched", { from: fromName!, to: to! })];
  }

  #takeStatus({ candidate, notices }: Status, { language }: Listener): Announcement[] {
    const found = notices.find(({ code }) => DEADLINES.has(code));
    const deadline = found === undefined ? undefined : `${found.code} ${candidate?.startWindow ?? ""}`;
    if (deadline === undefined || deadline === this.#deadline) return [];
    this.#deadline = deadline;
    return [{ title: say(language, "deadlineTitle"), body: sentencesOf(found!, language) }];
  }

  #takeHistory({ id, kind, amount }: Extract<HostEvent, { kind: "history" }>["payload"], { language }: Listener) {
    if (kind !== "bonus" || this.#told.has(id)) return [];
    if (this.#told.size === TOLD_MAX) this.#told.clear();
    this.#told.add(id);
    return [announce(language, "bonus", { amount: formatCoins(amount ?? "0", language) })];
  }
}

function announce(
  language: Language,
  what: "bonus" | "switched" | "blocked",
  values: Readonly<Record<string, string>> = {},
): Announcement {
  return { title: say(language, `${what}Title`), body: say(language, `${what}Text`, values) };
}

/** What happened and what to do, in one text for who has the page. */
export function sentencesOf(notice: Notice, language: Language): string {
  const { sentence, remedy } = explain(notice, language, "page");
  return `${sentence} ${remedy}`;
}
