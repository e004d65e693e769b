/**
 * Keeps the page's picture of the host current: follows its events, and asks a heartbeat, since a host that was stopped or
 * suspended ends no stream. What is lost is looked for until it is back; then everything is told anew.
 */
import { follow, noticeOfCall, type Client, type Following } from "../../main/api/client.ts";
import { hostStore, tell, useHost } from "./hostStore.ts";

const HEARTBEAT_MS = 500;
/** On a busy computer a host may take a while. With the heartbeat under the three seconds within which a page must say that its host is gone. */
const ANSWER_MS_MAX = 2_200;
/** By more a timer is late only where the page did not run. */
const OWN_PAUSE_MS_MAX = 300;

/** Gives the way to end it. */
export function keepConnected(client: Client): () => void {
  let following: Following | undefined;
  let isOver = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const beginFollowing = (): void => {
    const own = follow(
      client,
      hostStore.apply,
      (reason) => {
        if (reason !== undefined && reason.code !== "host-lost") tell(reason);
        // What is not lost already is the next heartbeat's to find: the host may have ended this one stream alone.
        if (following === own) following = undefined;
      },
      { figures: true },
    );
    following = own;
    void askEarlierRates(client);
  };

  const beat = async (): Promise<void> => {
    const begunMs = performance.now();
    try {
      await client.ping.query(undefined, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
      if (isOver) return;
      hostStore.hear();
      if (following === undefined) beginFollowing();
    } catch {
      if (isOver) return;
      // A page that slept itself says nothing of its host: the answer may lie there already.
      if (performance.now() - begunMs <= ANSWER_MS_MAX + OWN_PAUSE_MS_MAX) {
        hostStore.lose();
        following?.stop();
        following = undefined;
      }
    }
    timer = setTimeout(() => void beat(), HEARTBEAT_MS);
  };
  void beat();

  return () => {
    isOver = true;
    clearTimeout(timer);
    following?.stop();
  };
}

/** Without them the chart begins now; nothing else depends on it. */
async function askEarlierRates(client: Client): Promise<void> {
  try {
    const { rates } = await client.vpnHistory.query();
    if (useHost.getState().tunnel !== null) hostStore.addEarlierRates(rates);
  } catch (error) {
    noticeOfCall(error);
  }
}
