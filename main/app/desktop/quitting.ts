/** What becomes of host and node when the person quits. */
import { call } from "../../api/client.ts";
import type { Status } from "../../api/contract.ts";
import { isAlive } from "../published.ts";
import { setTimeout as wait } from "node:timers/promises";
import { STOP_MS_MAX } from "../attach.ts";
import type { Preferences } from "./companion.ts";
import type { Hosting } from "./hosting.ts";

export type OnQuit = "keep" | "stop";
/** Whether the answer is for every time. */
export type QuitAnswer = { readonly choice: OnQuit; readonly isRemembered: boolean } | "cancel";

export interface Quitting {
  readonly hosting: Hosting | undefined;
  readonly status: Status | null;
  readonly preferences: Preferences | null;
  /** What was decided before: nobody is asked then. */
  readonly decided: OnQuit | undefined;
  readonly ask: () => Promise<QuitAnswer>;
  readonly leaveDaemon: () => Promise<void>;
}

const POLL_MS = 50;

/** False where the person would rather not quit. Throws what kept a daemon from taking over; the own host has stopped then. */
export async function endHosting(quitting: Quitting): Promise<boolean> {
  const { hosting, leaveDaemon } = quitting;
  const choice = await decide(quitting);
  if (choice === "cancel") return false;
  if (choice === "stop" && hosting?.isOwn === false) await stopOther(hosting);
  await hosting?.close();
  if (choice === "keep" && hosting?.isOwn === true) await leaveDaemon();
  return true;
}

/** "leave": there is no chain to ask about, so what is this program's ends and what is not stays. */
async function decide(quitting: Quitting): Promise<OnQuit | "leave" | "cancel"> {
  const { hosting, status, preferences, decided, ask } = quitting;
  if (decided !== undefined) return decided;
  if (status?.candidate == null || hosting === undefined) return "leave";
  if (preferences !== null && preferences.onQuit !== "ask") return preferences.onQuit;
  const answer = await ask();
  if (answer === "cancel") return "cancel";
  const { choice, isRemembered } = answer;
  // What is not remembered is asked again.
  if (isRemembered) await hosting.client.setPreferences.mutate({ onQuit: choice }).catch(() => undefined);
  return choice;
}

/** Also waits until its process has ended: what follows may replace its files. */
async function stopOther({ client, pid }: Hosting): Promise<void> {
  await call(client.stop.mutate());
  const end = performance.now() + 2 * STOP_MS_MAX;
  while (isAlive(pid) && performance.now() < end) await wait(POLL_MS);
}
