/**
 * The TimeChain below the snapshot that a node joined from, recomputed in the background: the joiner has looked at a sample of
 * it (chapter 03 §4.3, "joining quickly").
 */
import type { Native } from "../../native/interface.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { StateClient } from "../state/client.ts";
import type { WindowTime } from "../store/archive.ts";
import { verifyHistory, type PinnedWindow } from "../vdf/verifyHistory.ts";
import { noteVerified, readJoined } from "./joined.ts";

const WINDOWS_PER_PAGE = 256n;
/** How often it is written down how far it has come. */
const NOTE_MS = 10_000;

export interface HistoryCheckOptions {
  readonly crypto: Native;
  /** Of the network. */
  readonly directory: string;
  readonly state: Pick<StateClient, "ask">;
  /** Next window to decide. */
  readonly height: bigint;
  /** Windows that are verified, of all that are to be. */
  readonly onProgress: (done: bigint, total: bigint) => void;
  readonly signal: AbortSignal;
}

/**
 * `verified` once every window is; `nothing` where there was nothing to do. Throws `timechain-history-wrong` with the window,
 * which is fatal evidence, and `cancelled`.
 */
export async function checkHistory(options: HistoryCheckOptions): Promise<"verified" | "nothing"> {
  const { crypto, directory, state, height, onProgress, signal } = options;
  const joined = readJoined(directory);
  // A file from before an installation that did not come about says nothing about this store.
  if (joined === undefined || joined.through >= height || joined.verifiedThrough >= joined.through) return "nothing";
  const { through, verifiedThrough } = joined;
  let page: readonly WindowTime[] = [];
  const timeOf = async (window: bigint): Promise<WindowTime> => {
    const known = page.find((time) => time.window === window);
    if (known !== undefined) return known;
    page = await state.ask("times", { first: window, last: window + WINDOWS_PER_PAGE });
    const [found] = page;
    if (found?.window !== window) throw new ProtocolError("header-missing", { window });
    return found;
  };
  let chain: Promise<unknown> = Promise.resolve();
  // One page is kept: questions are answered one after the other.
  const read = (window: bigint): Promise<PinnedWindow> => {
    const answer = chain.then(async () => {
      const previous = window === 0n ? undefined : await timeOf(window - 1n);
      const { timechainValue: value } = await timeOf(window);
      return { value, d: previous?.d ?? 0n };
    });
    chain = answer.catch(() => undefined);
    return answer;
  };
  let notedMs = performance.now();
  onProgress(verifiedThrough, through);
  const mismatch = await verifyHistory(crypto, {
    ...{ from: 0n, through, verifiedThrough, read, threads: 1, sampleSize: 0, signal },
    onProgress: ({ verifiedThrough: done }) => {
      onProgress(done, through);
      if (performance.now() - notedMs < NOTE_MS) return;
      notedMs = performance.now();
      noteVerified(directory, joined, done);
    },
  });
  if (mismatch !== undefined) throw new ProtocolError("timechain-history-wrong", { window: mismatch.window });
  noteVerified(directory, joined, through);
  return "verified";
}
