/** Bounds of gossip (chapter 07 §4.4, §5.3). All of them are local policy. */

/** Identifiers that are remembered, with the peers that know them. */
export const IDENTIFIERS_MAX = 100_000;
/** Windows for which an identifier is remembered at least, unless there are too many. */
export const IDENTIFIER_WINDOWS = 3n;

/** Digests of payloads that were refused. */
export const REFUSED_MAX = 4096;

/** An object of a window further ahead only says that this node is behind; one further back is of no use. */
export const WINDOWS_AHEAD_MAX = 2n;
export const WINDOWS_BEHIND_MAX = 2n;
/** Such objects ahead that one peer may show in a window. */
export const FAR_AHEAD_MAX = 16;

/** Headers of depths up to this many above the own round. */
export const DEPTHS_AHEAD_MAX = 2;

/** Distinct identifiers that one peer may bring in a window, of all types and authors together. */
export const BUDGET_IDENTIFIERS_MAX = 65_536;

/** Objects of one peer that wait for their context. */
export const HELD_OBJECTS_MAX = 1024;
export const HELD_BYTES_MAX = 4 * 2 ** 20;
export const HELD_WINDOWS = 3n;

/** Objects that wait to be sent to one peer. */
export const QUEUE_OBJECTS_MAX = 8192;
export const QUEUE_BYTES_MAX = 8 * 2 ** 20;

/** Requests to one peer without an answer (chapter 07 §7). */
export const OUTSTANDING_MAX = 50;

/** Requests of one peer for objects in a window. */
export const FETCHES_MAX = 600;
/** τ₁ as network timers take it. */
export const TAU1_MS = 60_000;
