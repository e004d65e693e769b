/** Bounds of everything that peers can make this room keep (chapter 03 §10; chapter 04 §7 item 9; chapter 05 §7.1). */

/** Bundles and reveals of windows up to this many ahead are kept; what is further ahead only says that this node is behind. */
export const WINDOWS_AHEAD_MAX = 2n;

/** One bundle or reveal of a node and window, and one more as evidence. Those that a proposal names come on top. */
export const VARIANTS_MAX = 2;

/** Headers kept for one depth; one more where votes of weight name it. */
export const HEADERS_PER_DEPTH_MAX = 2;

/** Headers are kept up to this many depths above the round, votes up to this many rounds. */
export const DEPTHS_AHEAD_MAX = 2;
export const ROUNDS_AHEAD_MAX = 2;

export const ROUND_MAX = 255;

/** Values for which one node's votes of one round and phase are kept. */
export const VOTE_VALUES_MAX = 4;

/** Of the next window, while this one is undecided. */
export const HEADERS_HELD_MAX = 8;
export const VOTES_HELD_PER_NODE_MAX = 8;

/** Bodies whose header has not arrived yet. */
export const BODIES_UNMATCHED_MAX = 4;

/** Remembered of each header, so that the same bad body is not checked again and again. */
export const REFUSED_BODIES_MAX = 4;

/** a + b + c of a body: what fits a payload of 1 MiB. */
export const BODY_ENTRIES_MAX = 16_300;

/** A producer's own limit on reveals in a bundle. */
export const LISTED_REVEALS_MAX = 16_000;

/** Encoded operations held until they settle. */
export const OPERATION_BYTES_MAX = 100_000_000;

/** Operations and registrations that wait for the owner of the tables to check them. */
export const CHECKS_PENDING_MAX = 4096;

export const REGISTRATIONS_MAX = 1024;

/** Copies of one registration that differ in the signature alone and replace each other; then the last one stays. */
export const REGISTRATION_COPIES_MAX = 4;

/** Identifiers that rules ask for; a body names at most {@link BODY_ENTRIES_MAX}. */
export const WANTED_MAX = 2 * BODY_ENTRIES_MAX;

/** Identifiers asked for at once. */
export const FETCH_IDS_MAX = 1000;

/** So few decided windows wait to be taken in that more are asked for. */
export const FETCHED_AHEAD_MIN = 16;

/** Decided windows asked for at once. */
export const FETCH_WINDOWS_MAX = 64n;
