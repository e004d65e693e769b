/** Every number of the peer manager: local policy of chapter 07 §2.2, §4.3 to §4.9 and §5.3. Nothing on the wire depends on them. */

/** One window as network timers count it. */
export const TAU1_MS = 60_000;
export const TAU2_MS = 20_160 * TAU1_MS;

export const OUTBOUND_MAX = 24;
export const INBOUND_MAX = 32;
/** Below this many outbound peers the rules of diversity give way, one by one. */
export const OUTBOUND_RELAXED_BELOW = 8;
/** Below this many usable records, that is. */
export const RECORDS_RELAXED_BELOW = 48;
/** Below this many outbound peers the manifest's are dialled again. */
export const OUTBOUND_WITHOUT_MANIFEST_MIN = 4;
export const DIALS_AT_ONCE_MAX = 8;

export const PER_GROUP_MAX = 1;
export const PER_GROUP_RELAXED_MAX = 4;
export const PER_ASN_MAX = 2;
export const PER_COHORT_MAX = 2;
export const DRAWS_MAX = 500;

export const ANCHORS_MAX = 2;
export const STATE_SAVE_PERIOD_MS = 600_000;
export const PEERS_FILE_PERIOD_MS = 60_000;

/** A newcomer's connections to manifest peers, and how many other peers make them unneeded. */
export const BOOTSTRAP_AT_ONCE_MAX = 3;
export const BOOTSTRAP_NEEDED_BELOW = 13;

export const DIAL_TIMEOUT_MS = 30_000;
export const BACKOFF_MS_MAX = 300_000;
/** The base doubles this often at most; more would pass the cap anyway. */
export const BACKOFF_DOUBLINGS_MAX = 9;
export const BACKOFF_JITTER_PERCENT = 20;
/** A connection that lived this long makes the next loss a first one. */
export const BACKOFF_RESET_UPTIME_MS = 60_000;

export const TICK_MS = 1000;
export const HEARTBEAT_MS = 5000;
/** Where windows are shorter than that a peer is asked once a window, but not so often that it would take it for a flood. */
export const HEARTBEAT_MS_MIN = 1200;
/** Of the time between two Pings: a peer that has answered nothing for so long after one is silent. */
export const ANSWER_PERCENT = 75;
/** Between two Pings it is looked so often who answered. */
export const TICKS_PER_HEARTBEAT_MIN = 4;
export const PINGS_UNDER_WAY_MAX = 3;
export const SILENCE_MS_MAX = 3 * TAU1_MS;
/** Two connections to one peer live side by side for this long. */
export const DUPLICATE_MS = 5000;
/** Where by then nobody knows yet what program the peer runs. */
export const DUPLICATE_MS_MAX = 15_000;
/** The peer that said Bye closes; we do when it has not. */
export const BYE_LINGER_MS = 2000;
export const STOP_MS_MAX = 3000;

export const PEER_LIST_AT_JOIN = 128;
export const PEER_LIST_LATER = 64;
export const PEER_LIST_ENTRIES_MAX = 1000;
/** While outbound peers are missing and no address is left to try, a peer is asked again after this: it answers once a τ₁. */
export const PEER_LIST_HUNGRY_MS = TAU1_MS + 5000;

export const NEW_BUCKETS = 96;
export const VERIFIED_BUCKETS = 32;
export const BUCKET_SIZE = 64;
export const RECORDS_MAX = (NEW_BUCKETS + VERIFIED_BUCKETS) * BUCKET_SIZE;
/** Failed attempts that remove an address nobody has verified, and that take a verified one back among the new. */
export const NEW_FAILURES_MAX = 3;
export const VERIFIED_FAILURES_MAX = 10;
/** An address that nobody mentioned for 8 hours is dropped unless verified: 8·t with t = 60 (chapter 07 §4.7). */
export const PRUNE_T = 60n;

export const FEELER_PERIOD_MS = 10 * TAU1_MS;

/** Addresses of connected peers that wait for their feeler. */
export const ADVERTISED_MAX = 64;

export const PENALTY_POINTS_MAX = 100;
export const BAN_BY_POINTS_MS = 24 * TAU1_MS;
/** Messages within τ₁ from which the share of invalid ones counts. */
export const SHARE_MESSAGES_MIN = 20;
export const BANS_MAX = 1000;
export const CONDUCT_RECORDS_MAX = 1000;
/** So many identities banned from one address ban the address. */
export const OFFENDERS_PER_ADDRESS_MAX = 4;
export const INBOUND_PER_ADDRESS_MAX = 4;

export const PENALTY_RATE = 1;
export const PENALTY_MALFORMED = 1;
export const PENALTY_OVERSIZE = 10;

/** What a peer may send unasked. */
export const MESSAGES_PER_SECOND = 64;
export const MESSAGES_BURST = 256;
export const BYTES_PER_SECOND = 256 * 1024;
export const BYTES_BURST = 4 * 1024 * 1024;
export const PINGS_PER_TAU1 = 60;
export const PEER_LISTS_PER_TAU1 = 2;
/** What we send keeps below that, for the peer's clock and the network shake the spacing. */
export const PACED_SHARE_PERCENT = 85;
/** With what a connection begins. */
export const PACED_FIRST_MESSAGES = 96;
export const PACED_FIRST_BYTES = 2 * 1024 * 1024;
/** Left for the consensus and for liveness when objects are sent in bulk. */
export const PACED_RESERVE_PERCENT = 25;

/** Toward one peer, leaving room for liveness: at most 50, since an rc.1 node has 100 substreams for both directions (chapter 07 §7). */
export const REQUESTS_UNDER_WAY_MAX = 45;
/** Toward one that is, or may be, an rc.1 node: of a burst of 20 it sends a frame twice, which ends the connection (docs/interop.md). */
export const REQUESTS_TO_RC1_MAX = 8;
export const REQUESTS_WAITING_MAX = 256;
/** Being served for all peers together; a request holds its bytes meanwhile. */
export const SERVED_AT_ONCE_MAX = 512;
export const SERVED_BYTES_MAX = 64 * 1024 * 1024;

/** Eviction of inbound peers protects so many of each kind (chapter 07 §4.9). */
export const PROTECTED_BY_PING = 4;
export const PROTECTED_BY_OBJECTS = 4;
export const PROTECTED_BY_SUBNET = 8;
export const PROTECTED_BY_PROPOSALS = 4;

/** A listening node with this many outbound peers that nobody reached for so long is not reachable. */
export const UNREACHED_AFTER_MS = 10 * TAU1_MS;
