/** Bounds and times of one connection (chapter 06 §2, §7). Those of Yamux stand in `yamux/`. */

/** From accept, or from the beginning of a dial, to an established connection. */
export const UPGRADE_TIMEOUT_MS = 10_000;
/** For agreeing on the protocol of one substream. */
export const NEGOTIATE_TIMEOUT_MS = 10_000;
/** From a negotiated substream to the end of its exchange. */
export const REQUEST_TIMEOUT_MS = 10_000;
/** A connection without a substream ends after this. */
export const IDLE_TIMEOUT_MS = 60_000;
/** What was said before an end may still leave. */
export const CLOSE_GRACE_MS = 1000;

/** Exchanges under way on one connection, both roles. */
export const EXCHANGES_MAX = 100;
/** Own requests among them, so that the other side always has room for its own. */
export const OWN_REQUESTS_MAX = 50;
/** Bytes of replies and requests that wait for the other side to read; a reply beyond them is not sent. */
export const UNSENT_BYTES_MAX = 16 * 1_048_576;
/** Ciphertext handed to the socket and not yet taken by the system. */
export const SOCKET_BYTES_MAX = 262_144;

export const HANDSHAKES_MAX = 64;
export const HANDSHAKES_PER_ADDRESS_MAX = 4;
export const LISTEN_BACKLOG = 1024;
