/** What a person is told: once as an event, and for as long as it holds in the status. */
import type { ErrorParams } from "../../protocol/errors.ts";

export interface Notice {
  readonly code: string;
  readonly params: Record<string, string | number | boolean>;
}

/** Different things that hold at the same time are few; more would be a defect. */
const STANDING_MAX = 32;

export class NoticeBoard {
  readonly #standing = new Map<string, Notice>();
  readonly #tell: (notice: Notice) => void;

  constructor(tell: (notice: Notice) => void) {
    this.#tell = tell;
  }

  /** What holds at this moment, oldest first. */
  get standing(): Notice[] {
    return [...this.#standing.values()];
  }

  tell(code: string, params: ErrorParams = {}): void {
    this.#tell(noticeOf(code, params));
  }

  /** Holds under `topic` until it is cleared or replaced; told when it is new. */
  post(topic: string, code: string, params: ErrorParams = {}): void {
    const notice = noticeOf(code, params);
    const isKnown = this.#standing.get(topic)?.code === code;
    if (!isKnown && this.#standing.size >= STANDING_MAX) return;
    this.#standing.set(topic, notice);
    if (!isKnown) this.#tell(notice);
  }

  clear(topic: string): void {
    this.#standing.delete(topic);
  }
}

function noticeOf(code: string, params: ErrorParams): Notice {
  const entries = Object.entries(params).map(([name, value]) => [name, typeof value === "bigint" ? `${value}` : value]);
  return { code, params: Object.fromEntries(entries) as Notice["params"] };
}
