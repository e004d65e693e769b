/** Suites about the files of a reference data directory: chapter 02 store-files and node-files, chapter 05 node-state-file. */
import { sized, ZERO_HASH, type NodeId } from "../../../main/protocol/bytes.ts";
import { MLDSA_SIGNATURE_SIZE } from "../../../main/protocol/crypto.ts";
import { ProtocolError } from "../../../main/protocol/errors.ts";
import { MONTANA_PARAMS } from "../../../main/protocol/genesis/montana.ts";
import { proposalHeader, type ProposalHeader } from "../../../main/protocol/objects/consensus.ts";
import {
  CURRENT_WINDOW_FILE,
  decodeCurrentWindow,
  decodeNodeLifecycle,
  decodeTimechain,
  encodeCurrentWindow,
  encodeNodeLifecycle,
  encodeTimechain,
  freshNodeLifecycle,
  NODE_STATE_FILE,
  TIMECHAIN_FILE,
  type NodeLifecycle,
  type Phase,
} from "../../../main/protocol/rc1/nodeFiles.ts";
import {
  ACCOUNTS_FILE,
  archiveProposal,
  CANDIDATES_FILE,
  checkConsistency,
  LAST_CEMENTED_FILE,
  loadLastCemented,
  loadProposal,
  loadTables,
  NODES_FILE,
  openStore,
  proposalFile,
  pruneProposals,
  saveLastCemented,
  saveTables,
  type DataDirectory,
} from "../../../main/protocol/rc1/storeFiles.ts";
import { recomputeRoots } from "../../../main/protocol/state/recomputeRoots.ts";
import type { Input, Runner } from "../harness.ts";
import { big, hex, hex32 } from "./inputs.ts";
import { filledKey, headerFrom, stateFrom } from "./stateInputs.ts";

const storeActions: Readonly<Record<string, Runner>> = {
  "open-and-load-all": (_input, { crypto }) => {
    const directory: DataDirectory = new Map();
    openStore(directory);
    const state = loadTables(directory);
    return {
      accounts: state.accounts.size,
      nodes: state.nodes.size,
      candidates: state.candidates.size,
      last_cemented: loadLastCemented(directory) ?? null,
      consistent_at: checkConsistency(directory),
      empty_root: recomputeRoots(crypto, state).accountRoot,
    };
  },

  "save-tables": (input, { crypto }) => {
    const directory: DataDirectory = new Map();
    saveTables(directory, stateFrom(crypto, input));
    const files = [...directory].map(([file, bytes]) => ({ file, size: bytes.length, sha256: crypto.sha256(bytes) }));
    const { accountRoot, nodeRoot, candidateRoot } = recomputeRoots(crypto, loadTables(directory));
    return { files, roots_after_reload: [accountRoot, nodeRoot, candidateRoot] };
  },

  load: (input, { crypto }) => {
    const directory: DataDirectory = new Map([[input.file, bytesFrom(input)]]);
    if (input.file === LAST_CEMENTED_FILE) return { last_cemented: loadLastCemented(directory) };
    const state = loadTables(directory);
    const roots = recomputeRoots(crypto, state);
    switch (input.file) {
      case ACCOUNTS_FILE:
        return { records: state.accounts.size, root: roots.accountRoot };
      case NODES_FILE:
        return { records: state.nodes.size, root: roots.nodeRoot };
      case CANDIDATES_FILE:
        return { records: state.candidates.size, root: roots.candidateRoot };
      default:
        throw new Error(`no such file: ${String(input.file)}`);
    }
  },

  archive: (input, { crypto }) => {
    const header = headerFrom(input.header);
    const directory: DataDirectory = new Map();
    archiveProposal(directory, header);
    const [[file, bytes]] = [...directory] as [[string, Uint8Array]];
    return {
      file,
      size: bytes.length,
      sha256: crypto.sha256(bytes),
      unsigned_413_bytes: proposalHeader.scope(header),
      proposal_hash: proposalHeader.identify(crypto, header),
    };
  },

  get: (input) => ({ found: loadProposal(archiveOf(input.archived_windows), big(input.window)) !== undefined }),

  "get-raw": (input) => {
    const window = big(input.window);
    const directory: DataDirectory = new Map([[proposalFile(window), bytesFrom(input)]]);
    return { found: loadProposal(directory, window) !== undefined };
  },

  "set-meta-and-check": (input) => {
    const directory = archiveOf(input.archived_windows);
    saveLastCemented(directory, big(input.last_cemented));
    const bytes = directory.get(LAST_CEMENTED_FILE);
    try {
      return { bytes, consistent_at: checkConsistency(directory) };
    } catch (error) {
      if (error instanceof ProtocolError) return { bytes, error: error.code };
      throw error;
    }
  },

  prune: (input) => {
    const directory = archiveOf(input.archived_windows);
    return { removed: pruneProposals(directory, big(input.threshold)), left_files: filesOf(directory) };
  },

  open: (input) => {
    const directory: DataDirectory = new Map((input.files as string[]).map((name) => [name, new Uint8Array(0)]));
    openStore(directory);
    return { left_files: filesOf(directory) };
  },
};

const storeFiles: Runner = (input, context) => {
  const action = storeActions[input.action];
  if (action === undefined) throw new Error(`no such action: ${String(input.action)}`);
  return action(input, context);
};

function bytesFrom(input: Input): Uint8Array {
  if (input.bytes !== undefined) return hex(input.bytes);
  return new Uint8Array(input.len).fill(input.fill === undefined ? 0 : hex(input.fill)[0]!);
}

function filesOf(directory: DataDirectory): string[] {
  return [...directory.keys()].sort();
}

function archiveOf(windows: readonly unknown[] = []): DataDirectory {
  const directory: DataDirectory = new Map();
  for (const window of windows) archiveProposal(directory, emptyHeader(big(window)));
  return directory;
}

function emptyHeader(windowIndex: bigint): ProposalHeader {
  return {
    prevProposalHash: ZERO_HASH,
    windowIndex,
    protocolVersion: 1,
    controlRoot: ZERO_HASH,
    nodeRoot: ZERO_HASH,
    candidateRoot: ZERO_HASH,
    accountRoot: ZERO_HASH,
    stateRoot: ZERO_HASH,
    timechainValue: ZERO_HASH,
    includedBundlesRoot: ZERO_HASH,
    includedRevealsRoot: ZERO_HASH,
    winnerEndpoint: ZERO_HASH,
    winnerId: ZERO_HASH as NodeId,
    proposerNodeId: ZERO_HASH as NodeId,
    target: 0n,
    fallbackDepth: 1,
    signature: sized(new Uint8Array(MLDSA_SIGNATURE_SIZE), MLDSA_SIGNATURE_SIZE),
  };
}

function lifecycleFrom(fields: Input): NodeLifecycle {
  return {
    phase: Number(fields.phase) as Phase,
    candidateSeed: hex32(fields.candidate_seed),
    candidateEndpoint: hex32(fields.candidate_endpoint),
    candidateProgress: big(fields.candidate_progress),
    targetChainLength: big(fields.target_chain_length),
    wStart: big(fields.w_start),
    registrationWindow: big(fields.registration_window),
    noderegHash: hex32(fields.nodereg_hash),
  };
}

function describeLifecycle(lifecycle: NodeLifecycle) {
  return {
    phase: lifecycle.phase,
    candidate_seed: lifecycle.candidateSeed,
    candidate_endpoint: lifecycle.candidateEndpoint,
    candidate_progress: lifecycle.candidateProgress,
    target_chain_length: lifecycle.targetChainLength,
    w_start: lifecycle.wStart,
    registration_window: lifecycle.registrationWindow,
    nodereg_hash: lifecycle.noderegHash,
  };
}

const OWN_KEY = filledKey(0x11);
const OTHER_KEY = filledKey(0x22);

const nodeFiles: Runner = (input, { crypto }) => {
  const { save } = input;
  const file = typeof input.bytes === "string" ? hex(input.bytes) : undefined;
  switch (input.file) {
    case CURRENT_WINDOW_FILE:
      return save === undefined
        ? { window: decodeCurrentWindow(file) }
        : { bytes: encodeCurrentWindow(big(save.window)) };
    case TIMECHAIN_FILE: {
      if (save !== undefined) {
        return {
          bytes: encodeTimechain({
            timechainValue: hex32(save.t_r),
            currentD: big(save.current_d),
            lastWindow: big(save.last_window),
          }),
        };
      }
      const position = decodeTimechain(crypto, MONTANA_PARAMS, file);
      return { t_r: position.timechainValue, current_d: position.currentD, last_window: position.lastWindow };
    }
    case NODE_STATE_FILE:
      if (save !== undefined) return { bytes: encodeNodeLifecycle(lifecycleFrom(save)) };
      return describeLifecycle(
        file === undefined
          ? freshNodeLifecycle(OWN_KEY, input.own_node_key_equals_bootstrap === true ? OWN_KEY : OTHER_KEY)
          : decodeNodeLifecycle(file),
      );
    default:
      throw new Error(`no such file: ${String(input.file)}`);
  }
};

const nodeStateFile: Runner = (input) => {
  switch (input.op) {
    case "save":
      return { file: encodeNodeLifecycle(lifecycleFrom(input)) };
    case "load":
      return describeLifecycle(decodeNodeLifecycle(hex(input.file)));
    case "fresh":
      return describeLifecycle(freshNodeLifecycle(OWN_KEY, bootstrapKeyFrom(input)));
    default:
      throw new Error(`no such op: ${String(input.op)}`);
  }
};

/** The suite names own and bootstrap key by what they are to each other, or the bootstrap key by its equal bytes. */
function bootstrapKeyFrom(input: Input): Uint8Array {
  if (input.bootstrap_node_pubkey_fill !== undefined) return filledKey(Number(input.bootstrap_node_pubkey_fill));
  return input.is_bootstrap === true ? OWN_KEY : OTHER_KEY;
}

export const rc1FileRunners: Readonly<Record<string, Runner>> = {
  "02-state/store-files": storeFiles,
  "02-state/node-files": nodeFiles,
  "05-entry/node-state-file": nodeStateFile,
};
