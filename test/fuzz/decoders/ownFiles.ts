/** What this program wrote, or another one of its kind, and finds again: key file, progress, network files, requests. */
import {
  decodeKeyFile,
  encodeKeyFile,
  ORIGINS,
  MACHINE_KEY_KINDS,
  type KeyFile,
} from "../../../main/keystore/keyFile.ts";
import { CONTENTS, materialSize, nodeSecretSize } from "../../../main/keystore/material.ts";
import type { SealedPart } from "../../../main/keystore/sealing.ts";
import { formatNetworkFile, parseNetworkFile, type Network } from "../../../main/node/network/networkFile.ts";
import { decodeSlots, encodeSlot, SLOT_PAYLOAD_MAX, SLOT_SIZE } from "../../../main/node/vdf/slotFile.ts";
import { concatBytes } from "../../../main/protocol/bytes.ts";
import { ProtocolError } from "../../../main/protocol/errors.ts";
import { MONTANA_PARAMS } from "../../../main/protocol/genesis/montana.ts";
import { rulesOf } from "../../../main/protocol/genesis/rules.ts";
import {
  accountRequestOf,
  decodeRequest,
  encodeRequest,
  type AccountRequest,
} from "../../../main/wallet/accountRequest.ts";
import type { CountedCrypto } from "../countedCrypto.ts";
import { textDecoder, type AnyDecoder, type Decoder } from "../decoder.ts";
import type { Random } from "../random.ts";
import * as values from "../values.ts";

const DIGEST_SIZE = 32;

export function ownFileDecoders(crypto: CountedCrypto): readonly AnyDecoder[] {
  return [keyFile(crypto), slotFile(crypto), accountRequest(crypto), networkFile];
}

/** The checksum at the end, so that the fields behind it are reached. */
const resealed =
  (crypto: CountedCrypto, size = DIGEST_SIZE) =>
  (input: Uint8Array): Uint8Array => {
    if (input.length < size) return input;
    const content = input.subarray(0, -size);
    return concatBytes(content, crypto.sha256(content).subarray(0, size));
  };

function keyFile(crypto: CountedCrypto): Decoder<KeyFile> {
  const part = (random: Random, size: number): SealedPart => ({
    keyNonce: values.blob(random, 12),
    sealedKey: values.blob(random, 48),
    nonce: values.blob(random, 12),
    sealed: values.blob(random, size + 16),
  });
  return {
    name: "key-file",
    of: [decodeKeyFile],
    errors: ["key-file-damaged", "key-file-newer", "key-file-refused", "unsupported-suite"],
    allocation: { base: 1024, perByte: 3 },
    hashing: { base: 64, perByte: 1 },
    notations: "one",
    decode: (input) => decodeKeyFile(crypto, "identity.key", input),
    encode: (file) => encodeKeyFile(crypto, file),
    repair: resealed(crypto),
    generate(random) {
      const contents = random.pick(CONTENTS);
      return {
        identity: {
          ...{ suiteId: 1, contents, origin: random.pick(ORIGINS), createdAtMs: random.below(2 ** 31) },
          ...{ accountKey: values.publicKey(random), nodeKey: values.publicKey(random) },
          appKemKey: values.blob(random, 1184),
        },
        state: {
          ...{ generation: values.u64(random), secretsGeneration: values.u64(random) },
          ...{ isSettled: random.once(2), areWordsConfirmed: random.once(2) },
          ...{ machineMark: values.hash32(random), directoryMark: values.hash32(random) },
          ...{ markSalt: values.blob(random, 16), machineKeyId: values.blob(random, 16) },
          machineKeyKind: random.pick(MACHINE_KEY_KINDS),
        },
        derivation: { memoryKib: 65_536, passes: 3, lanes: 1, salt: values.blob(random, 32) },
        accountPart: part(random, materialSize(contents)),
        nodePart: part(random, nodeSecretSize(contents)),
      };
    },
  };
}

interface Slotted {
  readonly payload: Uint8Array;
  readonly sequence: bigint;
}

function slotFile(crypto: CountedCrypto): Decoder<Slotted> {
  return {
    name: "slot-file",
    of: [decodeSlots],
    errors: ["slot-file-corrupt"],
    allocation: { base: 256, perByte: 2 },
    hashing: { base: 0, perByte: 1 },
    // Of two whole slots the older one is not looked at.
    notations: "several",
    decode(input) {
      const { payload, sequence } = decodeSlots(crypto, "lifecycle", "lifecycle.bin", input);
      return { payload, sequence };
    },
    encode: ({ payload, sequence }) =>
      concatBytes(encodeSlot(crypto, "lifecycle", payload, sequence), new Uint8Array(SLOT_SIZE)),
    generate: (random) => ({
      payload: random.bytes(random.small(SLOT_PAYLOAD_MAX + 1)),
      sequence: values.u64(random),
    }),
    repair(input) {
      if (input.length < SLOT_SIZE) return input;
      const page = resealed(crypto)(input.subarray(0, SLOT_SIZE));
      return concatBytes(page, input.subarray(SLOT_SIZE));
    },
  };
}

function accountRequest(crypto: CountedCrypto): Decoder<AccountRequest> {
  return {
    name: "account-request",
    of: [decodeRequest],
    errors: [
      ...["request-malformed", "request-newer", "request-checksum", "request-suite", "request-binding"],
      "request-note",
    ],
    allocation: { base: 8192, perByte: 12 },
    hashing: { base: 4096, perByte: 1 },
    notations: "one",
    decode: (input) => decodeRequest(crypto, input),
    encode: (request) => encodeRequest(crypto, request),
    repair: resealed(crypto, 8),
    generate: (random) =>
      accountRequestOf(crypto, values.publicKey(random), {
        ...(random.once(2) && { amount: values.u128(random) || 1n }),
        ...(random.once(2) && { note: "for the books" }),
      }),
  };
}

const NETWORK: Network = {
  ...{ name: "solo", rules: rulesOf(MONTANA_PARAMS, "spec"), otherFounders: [], stateHash: undefined, peers: [] },
  ...{ isManifestNeeded: false, tunnel: undefined },
};

const PEER = JSON.stringify({
  ...{ label: "a", multiaddr: "/ip4/127.0.0.1/tcp/1", peer_id: "Qm", bootstrap: true },
  ...{ account_id_hex: "00".repeat(32), node_id_hex: "00".repeat(32) },
});

const OWN_ERRORS = ["network-file-invalid", "network-genesis-missing"];

const networkFile: AnyDecoder = textDecoder<Network>({
  name: "network-file",
  of: [parseNetworkFile],
  errors: [...OWN_ERRORS, "manifest"],
  allocation: { base: 65_536, perByte: 256 },
  notations: "several",
  tokens: [
    ...['"', "{", "}", "[", "]", ":", ",", "\\", "null", "true", "1e999", "-1", "0", '"spec"', '"frozen"'],
    ...['"peers":[]', '"genesis":{}', '"d0":1', '"__proto__":1,', '"tau2_windows":0'],
  ],
  corpus: [
    ...["{}", '{"genesis":{}}', "[".repeat(2000), '{"network_name":"montana","peers":[]}'],
    `{"network_name":"other","peers":[${PEER}]}`,
  ],
  // Without "genesis" it is read as a manifest, which has a decoder of its own here.
  decode(text) {
    try {
      return parseNetworkFile("network.json", text);
    } catch (error) {
      const isManifests = error instanceof ProtocolError && !OWN_ERRORS.includes(String(error.code));
      throw isManifests ? new ProtocolError("manifest") : error;
    }
  },
  encode: (network) => formatNetworkFile(network),
  generate: (random) => ({ ...NETWORK, name: `n${random.below(1000)}` }),
});
