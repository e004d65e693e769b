/** Suites of chapters 06 §9 and 07 §10 about the Identity-Bound Tunnel and the work of strangers. */
import type { NodeId } from "../../../main/protocol/bytes.ts";
import type { Crypto, Signature } from "../../../main/protocol/crypto.ts";
import { ProtocolError } from "../../../main/protocol/errors.ts";
import { bootstrapTarget, findBootstrapWork, isBootstrapWork } from "../../../main/protocol/identity/bootstrapWork.ts";
import { meshProofMessage, onlineProofMessage } from "../../../main/protocol/identity/tunnelProof.ts";
import { admit, type AccessLevel } from "../../../main/network/privacy/admission.ts";
import { NonceTracker } from "../../../main/network/privacy/nonceTracker.ts";
import {
  proveMesh,
  proveOnline,
  searchMesh,
  verifyMesh,
  verifyOnline,
  type KnownTime,
  type ProofOf,
  type ProofVerdict,
} from "../../../main/network/privacy/tunnelProof.ts";
import type { Input, RunContext, Runner } from "../harness.ts";
import { keyPairOf, publicKeyOf } from "./descriptors.ts";
import { big, bytesOf, hex32, nodeIdOf } from "./inputs.ts";
import { numbered } from "./steps.ts";

function onlineOf(input: Input): ProofOf {
  return { verifier: nodeIdOf(input.server_node_id), nonce: hex32(input.online_session_nonce) };
}

function meshOf(input: Input): ProofOf {
  return { verifier: nodeIdOf(input.peer_node_id), nonce: hex32(input.mesh_session_nonce) };
}

function timeOf(input: Input): KnownTime {
  return { window: big(input.known_window), tau1Windows: big(input.tau1_windows) };
}

const outcomeOf = <Fault extends string>(verdict: ProofVerdict<Fault>) =>
  "acceptedWindow" in verdict ? { accepted_window: verdict.acceptedWindow } : { error: verdict.fault };

// Online

const onlineProof: Runner = (input, { crypto }) => {
  const of = onlineOf(input);
  const window = big(input.window_index);
  const { publicKey, secretKey } = keyPairOf(crypto, input.client_seed);
  const proof = proveOnline(crypto, secretKey, of, window);
  return {
    message: onlineProofMessage(of.verifier, window, of.nonce),
    client_public_key_sha256: crypto.sha256(publicKey),
    proof_sha256: crypto.sha256(proof),
    proof,
  };
};

const onlineVerify: Runner = (input, { crypto }) => {
  const made = onlineOf(input);
  const change: Input = input.change ?? {};
  const { secretKey } = keyPairOf(crypto, input.client_seed);
  const prove = change.proof === undefined ? proveOnline : proveMesh;
  const proof = prove(crypto, secretKey, made, big(input.proof_window)).slice() as Signature;
  if (change.proof_xor !== undefined) proof[Number(change.proof_xor.offset)]! ^= Number(change.proof_xor.value);
  const checked: ProofOf = {
    verifier: change.verifier_node_id === undefined ? made.verifier : nodeIdOf(change.verifier_node_id),
    nonce: change.verifier_nonce === undefined ? made.nonce : hex32(change.verifier_nonce),
  };
  const publicKey = publicKeyOf(crypto, change.verifier_uses_key_of_seed ?? input.client_seed);
  return outcomeOf(verifyOnline(crypto, publicKey, proof, checked, big(input.current_window)));
};

const classify: Runner = (input, { crypto }) => {
  const of = onlineOf(input);
  const { secretKey } = keyPairOf(crypto, input.client_seed);
  const applicant = {
    publicKey: publicKeyOf(crypto, input.verifier_uses_key_of_seed ?? input.client_seed),
    nonce: of.nonce,
    proof: proveOnline(crypto, secretKey, of, big(input.proof_window)),
  };
  const nonces = new NonceTracker();
  const attempt = (level: AccessLevel | null): string => {
    const gate = {
      nodeId: of.verifier,
      currentWindow: big(input.current_window),
      nonces,
      levelOf: () => level ?? undefined,
    };
    const outcome = admit(crypto, gate, applicant);
    return "level" in outcome ? outcome.level : outcome.fault;
  };
  const levels: (AccessLevel | null)[] = [input.lookup_level];
  if (input.second_attempt_lookup_level) levels.push(input.second_attempt_lookup_level);
  return { results: levels.map(attempt) };
};

/** What the vectors were made with; the program takes more (chapter 06 §4.11). */
const VECTOR_LIMITS = { perClient: 64, total: 65_536 };

/** Clients and nonces are any distinct values: their numbers, as hashes. */
const hashOf = (number: unknown) => numbered(big(number));

const nonceTracker: Runner = ({ steps }) => {
  const tracker = new NonceTracker(VECTOR_LIMITS);
  const results = (steps as unknown[][]).map(([client, nonce, current, accepted]) => {
    const fault = tracker.use(hashOf(client), hashOf(nonce), big(current), big(accepted));
    return [fault ?? "ok", tracker.countOf(hashOf(client))];
  });
  return { results };
};

// Mesh

const meshProof: Runner = (input, { crypto }) => {
  const of = meshOf(input);
  const cachedWindow = big(input.cached_window_index);
  const { publicKey, secretKey } = keyPairOf(crypto, input.client_seed);
  const proof = proveMesh(crypto, secretKey, of, cachedWindow);
  return {
    message: meshProofMessage(of.verifier, cachedWindow, of.nonce),
    client_public_key_sha256: crypto.sha256(publicKey),
    proof_sha256: crypto.sha256(proof),
    proof,
  };
};

const meshVerify: Runner = (input, { crypto }) => {
  const of = meshOf(input);
  const cachedWindow = big(input.cached_window_index);
  const { publicKey, secretKey } = keyPairOf(crypto, input.client_seed);
  const prove = input.proof === undefined ? proveMesh : proveOnline;
  const proof = prove(crypto, secretKey, of, cachedWindow);
  const known = timeOf(input);
  const found = searchMesh(crypto, publicKey, proof, of, known);
  return {
    ...outcomeOf(verifyMesh(crypto, publicKey, proof, of, cachedWindow, known)),
    search_result: found.fault ?? found.acceptedWindow,
  };
};

/** The proof of a case: made for `signed_peer_node_id` and `signed_window`, in the domain that it names. */
function signedProof(crypto: Crypto, input: Input): Signature {
  const verifier = nodeIdOf(input.signed_peer_node_id ?? input.peer_node_id);
  const prove = input.proof_domain === "mt-tunnel-online" ? proveOnline : proveMesh;
  const { secretKey } = keyPairOf(crypto, input.seed);
  return prove(crypto, secretKey, { verifier, nonce: hex32(input.nonce) }, big(input.signed_window));
}

const ibtMesh: Runner = (input, { crypto }) => {
  const of: ProofOf = { verifier: nodeIdOf(input.peer_node_id), nonce: hex32(input.nonce) };
  const { publicKey, secretKey } = keyPairOf(crypto, input.seed);
  switch (input.op) {
    case "prove": {
      const cachedWindow = big(input.cached_window);
      const proof = proveMesh(crypto, secretKey, of, cachedWindow);
      return { message: meshProofMessage(of.verifier, cachedWindow, of.nonce), proof_sha256: crypto.sha256(proof) };
    }
    case "verify_search":
      return outcomeOf(searchMesh(crypto, publicKey, signedProof(crypto, input), of, timeOf(input)));
    case "verify_explicit": {
      const proof = signedProof(crypto, input);
      return outcomeOf(verifyMesh(crypto, publicKey, proof, of, big(input.declared_window), timeOf(input)));
    }
    default:
      throw new Error(`no such operation: ${String(input.op)}`);
  }
};

// Work of strangers

/** The tries of a case; without a number as many as a nonce can have values that matter. */
const TRIES_DEFAULT = 2 ** 32;

function solve(crypto: Crypto, proof: Uint8Array, difficulty: number, tries: number) {
  const work = findBootstrapWork(crypto, proof, difficulty, { from: 0n, tries });
  if (work === undefined) throw new ProtocolError("nonce-space-exhausted");
  return work;
}

/** Inputs of the proof that suite bootstrap-pow names by its case. */
const SPEC_B1_PROOF = {
  client_seed: "f6405769ecbf3d1f5b6593c971f14109ef9d57628bfc46b8f4d5c0b66d0ff1b9",
  server_node_id: "42".repeat(32),
  window_index: 1000,
  online_session_nonce: "55".repeat(32),
};

function workProof(input: Input, context: RunContext): Uint8Array {
  if (input.proof !== undefined) return bytesOf(input.proof);
  if (input.proof_of_case !== "ibt-online-proof/spec-b1-inputs") {
    throw new Error(`no such case: ${String(input.proof_of_case)}`);
  }
  return (onlineProof(SPEC_B1_PROOF, context) as { proof: Signature }).proof;
}

const bootstrapPow: Runner = (input, context) => {
  const { crypto } = context;
  const difficulty = Number(input.difficulty);
  const target = bootstrapTarget(difficulty);
  if (input.proof === undefined && input.proof_of_case === undefined) return { target };
  const proof = workProof(input, context);
  const { nonce, hash } = solve(crypto, proof, difficulty, Number(input.max_iterations ?? TRIES_DEFAULT));
  return {
    target,
    first_nonce: nonce,
    hash,
    verifies: isBootstrapWork(crypto, proof, nonce, difficulty),
    next_nonce_verifies: isBootstrapWork(crypto, proof, nonce + 1n, difficulty),
  };
};

export const powTarget: Runner = ({ difficulty }) => ({ target: bootstrapTarget(Number(difficulty)) });

const powSolve: Runner = (input, { crypto }) => ({
  ...solve(crypto, bytesOf(input.proof), Number(input.difficulty), Number(input.max_iterations ?? TRIES_DEFAULT)),
});

const powVerify: Runner = (input, { crypto }) => ({
  valid: isBootstrapWork(crypto, bytesOf(input.proof), big(input.nonce), Number(input.difficulty)),
});

// Vectors B of the specification (chapter 07 §9.3)

/** What was published is of a message that had no nonce yet. */
const publishedMessage = (message: Uint8Array): Uint8Array => message.subarray(0, -32);

function proofsB1(crypto: Crypto, input: Input) {
  const verifier: NodeId = nodeIdOf(input.server_node_id);
  const nonce = hex32(input.nonce);
  const { publicKey, secretKey } = keyPairOf(crypto, input.seed);
  const message = onlineProofMessage(verifier, big(input.window), nonce);
  return {
    publicKey,
    message,
    proof: proveOnline(crypto, secretKey, { verifier, nonce }, big(input.window)),
    publishedProof: crypto.mldsa65.sign(secretKey, publishedMessage(message)),
  };
}

export const katOnline: Runner = (input, { crypto }) => {
  const { publicKey, message, proof, publishedProof } = proofsB1(crypto, input);
  return {
    pubkey_sha256: crypto.sha256(publicKey),
    message,
    proof_sha256: crypto.sha256(proof),
    published_message: publishedMessage(message),
    published_proof_sha256: crypto.sha256(publishedProof),
  };
};

export const katMesh: Runner = (input, context) => {
  const { client_public_key_sha256, ...outcome } = meshProof(
    {
      client_seed: input.seed,
      peer_node_id: input.peer_node_id,
      cached_window_index: input.cached_window,
      mesh_session_nonce: input.nonce,
    },
    context,
  ) as Input;
  return { pubkey_sha256: client_public_key_sha256, ...outcome };
};

export const katWork: Runner = (input, { crypto, inputs }) => {
  const difficulty = Number(input.difficulty);
  const { proof, publishedProof } = proofsB1(crypto, inputs.get(input.proof_of));
  const published = solve(crypto, publishedProof, difficulty, TRIES_DEFAULT);
  const current = solve(crypto, proof, difficulty, TRIES_DEFAULT);
  return {
    target: bootstrapTarget(difficulty),
    published_nonce: published.nonce,
    published_hash: published.hash,
    current_nonce: current.nonce,
    current_hash: current.hash,
  };
};

export const tunnelRunners: Readonly<Record<string, Runner>> = {
  "06-transport/ibt-online-proof": onlineProof,
  "06-transport/ibt-online-verify": onlineVerify,
  "06-transport/ibt-classify": classify,
  "06-transport/ibt-nonce-tracker": nonceTracker,
  "06-transport/ibt-mesh-proof": meshProof,
  "06-transport/ibt-mesh-verify": meshVerify,
  "06-transport/bootstrap-pow": bootstrapPow,
  "07-network/ibt-mesh": ibtMesh,
  "07-network/pow-target": powTarget,
  "07-network/pow-solve": powSolve,
  "07-network/pow-verify": powVerify,
};
