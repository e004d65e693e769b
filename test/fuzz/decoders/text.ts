/** What people enter, scan or put into a configuration. */
import { fromHex, toHex, type AccountId } from "../../../main/protocol/bytes.ts";
import { ProtocolError } from "../../../main/protocol/errors.ts";
import { MANIFEST_PEERS_MAX, MANIFEST_SIZE_MAX, parseManifest } from "../../../main/protocol/genesis/manifest.ts";
import type { Manifest, ManifestPeer } from "../../../main/protocol/genesis/manifest.ts";
import {
  decodeAddress,
  encodeAccountUri,
  encodeAddress,
  parseAccount,
} from "../../../main/protocol/identity/address.ts";
import { decodeBase58, encodeBase58 } from "../../../main/protocol/identity/base58.ts";
import { decodeMnemonic, encodeMnemonic, type Entropy } from "../../../main/protocol/identity/mnemonic.ts";
import {
  formatPeerId,
  parseMultihash,
  parsePeerId,
  type Multihash,
  type PeerId,
} from "../../../main/protocol/identity/peerId.ts";
import type { CountedCrypto } from "../countedCrypto.ts";
import { textDecoder, type AnyDecoder } from "../decoder.ts";
import { Random } from "../random.ts";
import * as values from "../values.ts";

/** However long the text is: numbers of at most 128 characters, their bytes, and what checksums need. */
const BASE58_ALLOCATION = { base: 2048, perByte: 0 };
const BASE58_MAX = 128;
const WORDS = ["abandon", "zoo", "art"];

export function textDecoders(crypto: CountedCrypto): readonly AnyDecoder[] {
  return [
    textDecoder<Uint8Array>({
      name: "hex",
      of: [fromHex],
      errors: ["not-hex"],
      allocation: { base: 0, perByte: 1 },
      notations: "several",
      tokens: ["00", "ff", "FF", "0x", "g"],
      decode(text) {
        const bytes = fromHex(text);
        if (bytes === undefined) throw new ProtocolError("not-hex");
        return bytes;
      },
      encode: toHex,
      generate: (random) => random.bytes(random.small(200)),
    }),

    textDecoder<Uint8Array>({
      name: "base58",
      of: [decodeBase58],
      errors: ["bad-character", "bad-length"],
      allocation: BASE58_ALLOCATION,
      notations: "one",
      tokens: ["1", "z", "0", "O", "I", "l"],
      corpus: ["1".repeat(BASE58_MAX), "z".repeat(BASE58_MAX), "z".repeat(BASE58_MAX + 1), "1".repeat(100_000)],
      decode: decodeBase58,
      encode: encodeBase58,
      generate: (random) => withLeadingZeros(random, random.below(80)),
    }),

    textDecoder<AccountId>({
      name: "address",
      of: [decodeAddress],
      errors: ["bad-prefix", "bad-character", "bad-length", "bad-checksum"],
      allocation: BASE58_ALLOCATION,
      hashing: { base: 256, perByte: 0 },
      notations: "one",
      tokens: ["mt", "1", "z", "0", "montana:"],
      decode: (text) => decodeAddress(crypto, text),
      encode: (id) => encodeAddress(crypto, id),
      generate: (random) => withLeadingZeros(random, 32) as AccountId,
    }),

    textDecoder<AccountId>({
      name: "account",
      of: [parseAccount],
      errors: ["bad-prefix", "bad-character", "bad-length", "bad-checksum"],
      allocation: BASE58_ALLOCATION,
      hashing: { base: 256, perByte: 0 },
      notations: "several",
      tokens: ["montana:", "mt", "0", "f", "F"],
      corpus: ["00".repeat(32), `montana:${"9f".repeat(32)}`, "montana:montana:", "Montana:mt"],
      decode: (text) => parseAccount(crypto, text),
      encode: (id) => encodeAccountUri(crypto, id),
      generate: (random) => withLeadingZeros(random, 32) as AccountId,
    }),

    textDecoder<PeerId>({
      name: "peer-id",
      of: [parsePeerId],
      errors: ["invalid-peer-id"],
      allocation: BASE58_ALLOCATION,
      notations: "one",
      tokens: ["Qm", "12D3KooW", "1", "z", "0"],
      decode: parsePeerId,
      encode: formatPeerId,
      generate: (random) => multihash(0x12, random.bytes(32)) as PeerId,
    }),

    textDecoder<Multihash>({
      name: "multihash",
      of: [parseMultihash],
      errors: ["invalid-peer-id"],
      allocation: BASE58_ALLOCATION,
      notations: "one",
      tokens: ["Qm", "12D3KooW", "1", "z", "0"],
      // Numbers in more bytes than they need, and ones that do not end.
      corpus: [
        ...[
          [0x92, 0x00, 0x20],
          [0x12, 0xa0, 0x00],
          [0x00, 0x80, 0x00],
          [0x16, 0x01, 0x00],
          [0x00, 0x2b],
        ],
        ...[Array<number>(20).fill(0x80), Array<number>(9).fill(0xff), [...Array<number>(9).fill(0xff), 0x01]],
        [...Array<number>(9).fill(0xff), 0x02],
      ].map((bytes) => encodeBase58(Uint8Array.from([...bytes, ...Array<number>(32).fill(7)]))),
      decode: parseMultihash,
      encode: ({ bytes }) => formatPeerId(bytes),
      generate: (random) =>
        random.once(2)
          ? { kind: "sha2-256", bytes: multihash(0x12, random.bytes(random.below(65))) }
          : { kind: "identity", bytes: multihash(0x00, random.bytes(random.below(43))) },
    }),

    textDecoder<Entropy>({
      name: "mnemonic",
      of: [decodeMnemonic],
      errors: ["phrase-too-long", "word-count", "unknown-word", "checksum-mismatch"],
      // The phrase is cut into at most 1,024 pieces; places of words, packed bits and entropy.
      allocation: { base: 16_384, perByte: 0 },
      hashing: { base: 64, perByte: 0 },
      notations: "several",
      tokens: [...WORDS, " ", "  ", "Abandon", "abandon ", " zoo"],
      corpus: [` ${"abandon\u3000".repeat(23)}art\u0085\n`, "abandon ".repeat(128), " ".repeat(1024), "a ".repeat(512)],
      decode: (text) => decodeMnemonic(crypto, text),
      encode: (entropy) => encodeMnemonic(crypto, entropy),
      generate: (random) => values.blob(random, 32),
    }),

    textDecoder<Manifest>({
      name: "genesis-manifest",
      of: [parseManifest],
      errors: [
        ...["manifest-too-large", "json", "empty-peers", "too-many-peers", "no-bootstrap", "multiple-bootstrap"],
        ...["invalid-hex-length", "unknown-profile", "unknown-admission"],
      ],
      allocation: { base: 64, perByte: 16 },
      notations: "several",
      tokens: [
        ...['"', "{", "}", "[", "]", ":", ",", "\\", "null", "true", "1e999", "-0", "\\u0000", '"spec"', '"selection"'],
        ...['"peers"', '"bootstrap"', '"network_name"', '"profile":"rc2",', '"admission":"never",', '"label"'],
        ...['"__proto__":{"network_name":"x"},', '"bootstrap":false,', '"bootstrap":true,', '"bootstrap":1,'],
      ],
      corpus: [
        ...[{ profile: "rc2" }, { admission: "never" }, { peers: [] }].map(brokenManifest),
        ...["{}", '{"network_name":"x","peers":[]}', "[".repeat(60_000), '{"a":'.repeat(20_000)],
        `{"network_name":"x","peers":[${"0,".repeat(MANIFEST_PEERS_MAX)}0]}`,
        " ".repeat(MANIFEST_SIZE_MAX + 1),
        '{"__proto__":{"network_name":"x","peers":[]}}',
      ],
      decode: parseManifest,
      encode: manifestText,
      generate: manifest,
    }),
  ];
}

function withLeadingZeros(random: Random, length: number): Uint8Array {
  const bytes = random.bytes(length);
  return bytes.fill(0, 0, random.once(2) ? 0 : random.below(length + 1));
}

function multihash(code: number, digest: Uint8Array): Uint8Array {
  return Uint8Array.from([code, digest.length, ...digest]);
}

/** There is no encoder in the program, which only reads manifests. */
function manifestText({ networkName, peers, profile, admission }: Manifest): string {
  return JSON.stringify({
    network_name: networkName,
    peers: peers.map(({ label, multiaddr, peerId, accountIdHex, nodeIdHex, isBootstrap }) => ({
      label,
      multiaddr,
      peer_id: peerId,
      account_id_hex: accountIdHex,
      node_id_hex: nodeIdHex,
      bootstrap: isBootstrap,
    })),
    profile,
    admission,
  });
}

function brokenManifest(change: object): string {
  const text = manifestText(manifest(new Random(1, "broken-manifest")));
  return JSON.stringify({ ...(JSON.parse(text) as object), ...change });
}

function manifest(random: Random): Manifest {
  const peers: ManifestPeer[] = Array.from({ length: 1 + random.small(6) }, () => ({
    label: random.pick(["", "moscow", "Франкфурт", "__proto__"]),
    multiaddr: "/ip4/127.0.0.1/tcp/9000",
    peerId: formatPeerId(multihash(0x12, random.bytes(32))),
    accountIdHex: toHex(random.bytes(32)),
    nodeIdHex: toHex(random.bytes(32)),
    isBootstrap: false,
  }));
  const chosen = random.below(peers.length);
  const bootstrap = { ...peers[chosen]!, isBootstrap: true };
  peers[chosen] = bootstrap;
  return {
    networkName: random.pick(["montana", "local", ""]),
    peers,
    bootstrap,
    profile: random.pick(["spec", "rc1", undefined] as const),
    admission: random.pick(["per-window", "selection", undefined] as const),
  };
}
