/**
 * Journal lines of `montana-node` as events (chapter 08 §4.10). Addresses are dropped at once: an event holds peer id,
 * label, family of the address and time only.
 */
import { LINE_MAX } from "./limits.ts";
import { UNKNOWN_LABEL } from "./peers.ts";
import { leadingTime } from "./time.ts";

interface Timed {
  /** Absent where the line begins with no time. */
  readonly unix?: number;
}

export type JournalEvent = Timed &
  (
    | { readonly event: "local-peer"; readonly peer: string; readonly peers_to_dial: number }
    | { readonly event: "dialing"; readonly label: string }
    | { readonly event: "listening" }
    | {
        readonly event: "connection-established";
        readonly peer: string;
        readonly label: string;
        readonly remote_family: "ip4" | "ip6" | null;
      }
    | { readonly event: "heartbeat"; readonly peer: string; readonly request_id: string }
    | { readonly event: "connection-closed"; readonly peer: string; readonly label: string }
    | { readonly event: "dial-error"; readonly peer: string | null }
    | { readonly event: "windows-applied"; readonly windows: number; readonly current_window: number }
  );

type Untimed = JournalEvent extends infer E ? (E extends JournalEvent ? Omit<E, "unix"> : never) : never;

/** `undefined` for a line that says nothing of a peer. What stands before an event on its line does not matter. */
export function parseJournalLine(line: string): JournalEvent | undefined {
  if (line.length > LINE_MAX) return undefined;
  for (const [pattern, toEvent] of shapes) {
    const match = pattern.exec(line);
    const event = match === null ? undefined : toEvent(match.slice(1));
    if (event === undefined) continue;
    const unix = leadingTime(line);
    return unix === undefined ? event : { ...event, unix };
  }
  return undefined;
}

const PEER = "([1-9A-HJ-NP-Za-km-z]{1,128})";
const LABEL = "([A-Za-z0-9._-]{0,64})";

const network = (rest: string): RegExp => new RegExp(String.raw`\[network\] ${rest}`);
const labelOf = (text: string | undefined): string => (text === undefined || text === "" ? UNKNOWN_LABEL : text);

const shapes: readonly (readonly [RegExp, (parts: readonly (string | undefined)[]) => Untimed | undefined])[] = [
  [
    network(String.raw`local_peer_id=${PEER} listen=\S+ peers_to_dial=(\d{1,9})(?!\d)`),
    ([peer, dials]) => ({ event: "local-peer", peer: peer!, peers_to_dial: Number(dials) }),
  ],
  [network(String.raw`dialing ${LABEL} \(`), ([label]) => ({ event: "dialing", label: labelOf(label) })],
  [network(String.raw`listening on \/`), () => ({ event: "listening" })],
  [
    network(String.raw`CONNECTION ESTABLISHED peer=${PEER} label=${LABEL} remote=(?:\/(ip4|ip6)\/)?`),
    ([peer, label, family]) => ({
      event: "connection-established",
      peer: peer!,
      label: labelOf(label),
      remote_family: (family as "ip4" | "ip6" | undefined) ?? null,
    }),
  ],
  [
    network(String.raw`heartbeat OK peer=${PEER} request_id=(\d{1,20})(?!\d)`),
    ([peer, id]) => ({ event: "heartbeat", peer: peer!, request_id: id! }),
  ],
  [
    network(String.raw`connection closed peer=${PEER} label=${LABEL} cause=`),
    ([peer, label]) => ({ event: "connection-closed", peer: peer!, label: labelOf(label) }),
  ],
  [
    network(String.raw`outgoing connection ERROR peer=(?:None|Some\(PeerId\("${PEER}"\)\)) error=`),
    ([peer]) => ({ event: "dial-error", peer: peer ?? null }),
  ],
  [
    /\[consensus\] applied (\d{1,15}) window\(s\) from peer Proposal → current_window=(\d{1,15})(?!\d)/,
    ([windows, current]) => ({
      event: "windows-applied",
      windows: Number(windows),
      current_window: Number(current),
    }),
  ],
];
