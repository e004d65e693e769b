/** Bounds of the public server (chapter 08 §2, §12). Times in milliseconds, sizes in bytes. */

/** Per address: requests of a minute, and how many may come at once. */
export const REQUESTS_PER_MINUTE = 30;
export const REQUESTS_BURST = 60;
export const RETRY_AFTER_SECONDS = 60;
/** Addresses whose use is remembered; the one that was silent longest is forgotten first. */
export const ADDRESSES_MAX = 100_000;
/** Whoever asks too often waits so long for the answer that says so. */
export const REFUSAL_PAUSE_MS = 200;
/** Of one address: where more wait for it, all of them wait longer, so that nobody gets more refusals than 80 a second. */
export const REFUSALS_PER_PAUSE = 16;
export const CONNECTIONS_MAX = 20_000;
/** Of one address, where limits are on. */
export const CONNECTIONS_PER_ADDRESS = 64;
/** Requests of one connection that wait for an answer. */
export const WAITING_PER_CONNECTION = 16;
export const REQUESTS_PER_CONNECTION = 10_000;
export const HEADER_BYTES_MAX = 8192;
export const HEADERS_MAX = 64;
export const PATH_MAX = 1024;
export const HEADERS_TIMEOUT_MS = 10_000;
export const REQUEST_TIMEOUT_MS = 15_000;
export const KEEP_ALIVE_MS = 15_000;
export const IDLE_TIMEOUT_MS = 30_000;
export const TLS_HANDSHAKE_MS = 10_000;
/** How often slow connections are looked for. */
export const CONNECTION_CHECK_MS = 2_000;
/** How often the public directory is looked at; within KEYS_CACHE, 30 s. */
export const RELOAD_MS = 2_000;
export const CERTIFICATE_CHECK_MS = 60_000;
export const CITY_FILE_MAX = 65_536;
export const PAGE_FILE_MAX = 2_097_152;
