/** Constants and bounds of the mesh (chapter 08 §2, §12). Sizes in bytes, times in seconds, unless the name says otherwise. */

/** After this long without a success an endpoint is expired, a last good entry dropped, a first-seen time forgotten. */
export const EVICT_AFTER_SECONDS = 604_800;
export const SUB_PERIOD_SECONDS = 300;
export const HTTP_MAX_AGE_SECONDS = 30;
/** A `peers.json` older than this makes its node stale. */
export const PEERS_STALE_SECONDS = 900;
/** How far back the journal counts for discovered peers. */
export const DISCOVERY_WINDOW_SECONDS = 600;
/** A discovered peer is active while its last heartbeat is younger than this. */
export const HEARTBEAT_FRESH_SECONDS = 60;
export const UPDATE_INTERVAL_HOURS = 1;
export const UPDATE_INTERVAL_MAX_HOURS = 168;

export const FAILURES_UNTIL_DOWN = 3;
export const SUCCESSES_UNTIL_UP = 2;

/** Characters (code points). */
export const SHARE_LINK_MAX = 2048;
export const LABEL_MAX = 64;
/** Characters of `spx` as printed: with the longest of all other parts a link stays within SHARE_LINK_MAX. */
export const SPIDER_X_MAX = 512;

export const MY_VPN_MAX = 4096;
export const PEERS_FILE_MAX = 262_144;
export const SUBSCRIPTION_MAX = 4_194_304;
export const SUBSCRIPTION_LINES_MAX = 10_000;
/** `cities.json`, `network.json`, `health.json`, explorer's `data.json`: 5 000 cities (§9) take less. */
export const PUBLIC_FILE_MAX = 4_194_304;
export const JSON_DEPTH_MAX = 16;
/** More than three letters can name; so many cities, nodes, fronts, entries of a list at most. */
export const CITIES_MAX = 17_576;
export const PEERS_LISTED_MAX = 10_000;
/** Discovered peers that are listed; the count tells the true number. */
export const DISCOVERED_LISTED_MAX = 1000;

export const METADATA_LINES = 10;
/** Code points of a title or an announcement that phone clients show. */
export const TITLE_MAX = 25;
export const ANNOUNCEMENT_MAX = 200;
/** Code points of a title that this program reads. */
export const TITLE_READ_MAX = 256;
export const HEADER_VALUE_MAX = 4096;

/** Characters of a journal or log line; longer ones are no event and are not shown. */
export const LINE_MAX = 16_384;
export const STATUS_TEXT_MAX = 65_536;

/** Entries that go first, of one region, where an aggregator caps them. */
export const PRIMARIES_PER_REGION_MAX = 3;

/** Public keys remembered of one city. */
export const PINNED_KEYS_MAX = 8;
/** Cities and lone entries whose keys are remembered: more than codes can name. */
export const PINNED_MAX = 20_000;

/** Emission of one window in nɈ: 13 Ɉ. */
export const EMISSION_PER_WINDOW_NJ = 13_000_000_000n;
