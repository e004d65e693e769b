/** Every decoder of the pure rooms that reads what others wrote. `fuzz.test.ts` holds that none is missing. */
import type { Crypto } from "../../main/protocol/crypto.ts";
import { countHashing } from "./countedCrypto.ts";
import type { AnyDecoder } from "./decoder.ts";
import { fastSyncDecoders } from "./decoders/fastSync.ts";
import { fileDecoders } from "./decoders/files.ts";
import { layoutDecoders } from "./decoders/layouts.ts";
import { linkDecoders } from "./decoders/links.ts";
import { merkleDecoders } from "./decoders/merkle.ts";
import { messageDecoders } from "./decoders/messages.ts";
import { ownFileDecoders } from "./decoders/ownFiles.ts";
import { relayedDecoders } from "./decoders/relayed.ts";
import { meshFileDecoders } from "./decoders/meshFiles.ts";
import { textDecoders } from "./decoders/text.ts";

export interface DecoderTable {
  readonly decoders: readonly AnyDecoder[];
  /** Bytes that all decoders together have hashed so far. */
  readonly hashed: () => number;
}

export function makeDecoders(crypto: Crypto): DecoderTable {
  const counted = countHashing(crypto);
  const decoders = [
    ...layoutDecoders,
    ...merkleDecoders(counted),
    ...fastSyncDecoders(counted),
    ...fileDecoders(counted),
    ...textDecoders(counted),
    ...linkDecoders,
    ...meshFileDecoders,
    ...messageDecoders,
    ...relayedDecoders(counted),
    ...ownFileDecoders(counted),
  ];
  return { decoders, hashed: counted.hashed };
}
