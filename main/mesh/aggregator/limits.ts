/** Bounds and periods of the operator's side (chapter 08 §2, §7.3, §9). Milliseconds and bytes where the name says no more. */

/** One forced command, connection included. */
export const FETCH_TIMEOUT_MS = 15_000;
export const CONNECT_TIMEOUT_SECONDS = 5;
/** All fetches of one run; a node that was not asked until then counts as failed. */
export const FETCHES_DEADLINE_MS = 90_000;
/** The same of the explorer, which runs every minute. */
export const EXPLORER_DEADLINE_MS = 35_000;
export const PARALLEL_MIN = 16;
export const PARALLEL_MAX = 256;
/** Journal of one witness in one run. */
export const JOURNAL_MAX = 10_485_760;
/** Peers outside the network that are kept of what one node tells: more than a node of this program is connected to. */
export const WITNESSED_MAX = 256;
export const ERROR_OUTPUT_MAX = 4096;
/** As many entries as a client reads of a subscription. */
export const PEERS_MAX = 10_000;
export const HOST_KEYS_MAX = 8;
export const STATE_FILE_MAX = 67_108_864;
export const SETTINGS_FILE_MAX = 16_777_216;
/** Probes run over this time in each run, so that no exit sees all at once (§4.8). */
export const PROBE_SPREAD_SECONDS = 165;
export const PROBE_JITTER_SECONDS = 10;
