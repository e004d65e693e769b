/** Files of the reference node, which this program imports. */
import { MONTANA_PARAMS } from "../../../main/protocol/genesis/montana.ts";
import {
  decodeIdentityFile,
  encodeIdentityFile,
  type StoredIdentity,
} from "../../../main/protocol/identity/identityFile.ts";
import { deriveSeed, type MasterSeed } from "../../../main/protocol/identity/kdf.ts";
import type { IdentityKeys } from "../../../main/protocol/identity/keys.ts";
import type { ProposalHeader } from "../../../main/protocol/objects/consensus.ts";
import {
  decodeCurrentWindow,
  decodeNodeLifecycle,
  decodeTimechain,
  encodeCurrentWindow,
  encodeNodeLifecycle,
  encodeTimechain,
  type NodeLifecycle,
  type Phase,
  type TimechainPosition,
} from "../../../main/protocol/rc1/nodeFiles.ts";
import {
  ACCOUNTS_FILE,
  archiveProposal,
  CANDIDATES_FILE,
  LAST_CEMENTED_FILE,
  loadLastCemented,
  loadProposal,
  loadTables,
  NODES_FILE,
  proposalFile,
  saveLastCemented,
  saveTables,
  type DataDirectory,
} from "../../../main/protocol/rc1/storeFiles.ts";
import { MemoryState } from "../../../main/protocol/state/memory.ts";
import type { CountedCrypto } from "../countedCrypto.ts";
import type { AnyDecoder, Decoder } from "../decoder.ts";
import type { Random } from "../random.ts";
import * as values from "../values.ts";

const COPY = { base: 64, perByte: 2 };
const NODE_FILE_ERRORS = ["corrupted-size", "invalid-magic", "unsupported-version"];

export function fileDecoders(crypto: CountedCrypto): readonly AnyDecoder[] {
  return [
    identityFile(crypto),
    currentWindow,
    timechain(crypto),
    nodeLifecycle,
    archivedProposal,
    lastCemented,
    tableFile("accounts-file", ACCOUNTS_FILE, "accounts", values.accountRecord, (row) => row.accountId),
    tableFile("nodes-file", NODES_FILE, "nodes", values.nodeRecord, (row) => row.nodeId),
    tableFile("candidates-file", CANDIDATES_FILE, "candidates", values.candidateRecord, (row) => row.nodeId),
  ];
}

function identityFile(crypto: CountedCrypto): Decoder<StoredIdentity> {
  return {
    name: "identity-file",
    of: [decodeIdentityFile],
    errors: ["corrupted-size", "invalid-magic", "unsupported-version", "unsupported-suite"],
    // The transport seed of a recoverable identity is derived.
    allocation: { base: 1024, perByte: 2 },
    hashing: { base: 4096, perByte: 0 },
    notations: "one",
    decode: (input) => decodeIdentityFile(crypto, input),
    encode: encodeIdentityFile,
    generate(random) {
      const keys = identityKeys(random);
      if (random.once(2)) return { mode: "ephemeral", keys };
      const masterSeed: MasterSeed = values.blob(random, 64);
      const transportSeed = deriveSeed(crypto, masterSeed, "mt-libp2p-transport-key", 32);
      return { mode: "recoverable", masterSeed, keys: { ...keys, transportSeed } };
    },
  };
}

function identityKeys(random: Random): IdentityKeys {
  const signing = () => ({ publicKey: values.publicKey(random), secretKey: values.blob(random, 4032) });
  return {
    account: signing(),
    node: signing(),
    appKem: { publicKey: values.blob(random, 1184), secretKey: values.blob(random, 2400) },
    transportSeed: values.blob(random, 32),
  };
}

/** The older form of 8 bytes and the bytes of the header that nobody looks at give several notations. */
const currentWindow: Decoder<bigint> = {
  name: "current-window-file",
  of: [decodeCurrentWindow],
  errors: NODE_FILE_ERRORS,
  allocation: COPY,
  notations: "several",
  decode: decodeCurrentWindow,
  encode: encodeCurrentWindow,
  generate: values.u64,
};

function timechain(crypto: CountedCrypto): Decoder<TimechainPosition> {
  return {
    name: "timechain-file",
    of: [decodeTimechain],
    errors: NODE_FILE_ERRORS,
    allocation: COPY,
    notations: "several",
    decode: (input) => decodeTimechain(crypto, MONTANA_PARAMS, input),
    encode: encodeTimechain,
    generate: (random) => ({
      timechainValue: values.hash32(random),
      currentD: values.u64(random),
      lastWindow: values.u64(random),
    }),
  };
}

const nodeLifecycle: Decoder<NodeLifecycle> = {
  name: "node-state-file",
  of: [decodeNodeLifecycle],
  errors: [...NODE_FILE_ERRORS, "unknown-phase"],
  allocation: COPY,
  notations: "several",
  decode: decodeNodeLifecycle,
  encode: encodeNodeLifecycle,
  generate: (random) => ({
    phase: random.below(4) as Phase,
    candidateSeed: values.hash32(random),
    candidateEndpoint: values.hash32(random),
    candidateProgress: values.u64(random),
    targetChainLength: values.u64(random),
    wStart: values.u64(random),
    registrationWindow: values.u64(random),
    noderegHash: values.hash32(random),
  }),
};

const archivedProposal: Decoder<ProposalHeader> = {
  name: "proposal-file",
  of: [loadProposal],
  errors: ["corrupted-length"],
  allocation: COPY,
  notations: "one",
  decode: (input) => written(loadProposal(new Map([[proposalFile(0n), input]]), 0n)),
  encode(header) {
    const directory: DataDirectory = new Map();
    archiveProposal(directory, header);
    return written(directory.get(proposalFile(header.windowIndex)));
  },
  generate: values.proposalHeader,
};

const lastCemented: Decoder<bigint> = {
  name: "last-cemented-file",
  of: [loadLastCemented],
  errors: ["corrupted-length"],
  allocation: COPY,
  notations: "one",
  decode: (input) => written(loadLastCemented(new Map([[LAST_CEMENTED_FILE, input]]))),
  encode(window) {
    const directory: DataDirectory = new Map();
    saveLastCemented(directory, window);
    return written(directory.get(LAST_CEMENTED_FILE));
  },
  generate: values.u64,
};

/** Rows in any order, of two with one id the later: so several notations. */
function tableFile<Row>(
  name: string,
  file: string,
  table: "accounts" | "nodes" | "candidates",
  generate: (random: Random) => Row,
  idOf: (row: Row) => Uint8Array,
): Decoder<readonly Row[]> {
  return {
    name,
    of: [loadTables],
    errors: ["corrupted-length", ...(table === "accounts" ? ["non-canonical-flag"] : [])],
    allocation: { base: 256, perByte: 2 },
    notations: "several",
    decode: (input) => [...(loadTables(new Map([[file, input]]))[table].rows() as Iterable<Row>)],
    encode(rows) {
      const directory: DataDirectory = new Map();
      saveTables(directory, new MemoryState().load({ [table]: rows }));
      return written(directory.get(file));
    },
    generate: (random) => values.ascending(values.listOf(random, 3, generate), idOf),
  };
}

function written<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("a file that was written is there");
  return value;
}
