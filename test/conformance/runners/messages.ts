/** Chapter 07 §10, suites about bytes: envelope, registry, payloads, signed objects on the wire. */
import { concatBytes, sized } from "../../../main/protocol/bytes.ts";
import type { Crypto } from "../../../main/protocol/crypto.ts";
import { ProtocolError } from "../../../main/protocol/errors.ts";
import * as fastSync from "../../../main/protocol/fastsync/codec.ts";
import { accountIdOf as accountIdOfKey, nodeIdOf as nodeIdOfKey } from "../../../main/protocol/identity/ids.ts";
import { formatPeerId, peerIdOf } from "../../../main/protocol/identity/peerId.ts";
import {
  bundledConfirmation,
  proposalHeader,
  vdfReveal,
  type ProposalHeader,
} from "../../../main/protocol/objects/consensus.ts";
import {
  nodeRegistration,
  TYPE_NODE_REGISTRATION,
  type NodeRegistration,
} from "../../../main/protocol/objects/nodeRegistration.ts";
import { operation } from "../../../main/protocol/objects/operations.ts";
import type { Draft, Signed, SignedClass } from "../../../main/protocol/objects/signed.ts";
import { encode } from "../../../main/protocol/codec/codec.ts";
import { accountRecord, candidateRecord, nodeRecord } from "../../../main/protocol/state/records.ts";
import * as lookup from "../../../main/network/messages/batchLookup.ts";
import {
  decodeEnvelope,
  encodeEnvelope,
  ENVELOPE_HEADER_SIZE,
  readEnvelopeHeader,
  type Envelope,
} from "../../../main/network/messages/envelope.ts";
import { decodeBye, encodeBye, isKnownReason, PingSeries } from "../../../main/network/messages/liveness.ts";
import * as peerList from "../../../main/network/messages/peerList.ts";
import { encodePeerRecord } from "../../../main/network/messages/peerRecord.ts";
import * as subscribe from "../../../main/network/messages/rangeSubscribe.ts";
import { receive } from "../../../main/network/messages/reception.ts";
import { messageKind, type MessageType } from "../../../main/network/messages/registry.ts";
import { labelAppId } from "../../../main/network/privacy/queueLabel.ts";
import type { Input, Runner } from "../harness.ts";
import { keyPairOf, operationDraftOf, publicKeyOf } from "./descriptors.ts";
import { accountIdOf, big, bytesOf, hex, hex32, nodeIdOf } from "./inputs.ts";
import { accountFrom, candidateFrom, headerFieldsFrom, nodeFrom } from "./stateInputs.ts";
import { byOperation, describeBytes } from "./steps.ts";

// Envelope

function envelopeFrom(input: Input): Envelope {
  return {
    msgType: Number(input.msg_type) as MessageType,
    requestId: big(input.request_id),
    payload: bytesOf(input.payload),
  };
}

/** The envelope that a case describes; `msg_version` is 1 where it says nothing. */
export const envelopeEncode: Runner = (input, { crypto }) => {
  const version = input.msg_version === undefined ? undefined : Number(input.msg_version);
  const bytes = encodeEnvelope(envelopeFrom(input), version);
  return { ...describeBytes(crypto, bytes), header: bytes.subarray(0, ENVELOPE_HEADER_SIZE) };
};

const envelopeDecode: Runner = (input) => {
  const bytes = hex(input.bytes);
  const { msgType, requestId, payload } = decodeEnvelope(bytes);
  return {
    msg_type: msgType,
    name: messageKind(msgType)!.name,
    msg_version: readEnvelopeHeader(bytes).msgVersion,
    request_id: requestId,
    payload,
  };
};

const registry: Runner = ({ byte }) => {
  const kind = messageKind(Number(byte));
  if (kind === undefined) throw new ProtocolError("unknown-msg-type", { byte: Number(byte) });
  return { name: kind.name, is_request: kind.role === "request", is_response: kind.role === "response" };
};

// Payloads

function entryFrom(entry: Input): peerList.PeerEntry {
  return {
    ipVersion: Number(entry.ip_version) as peerList.IpVersion,
    ip: sized(hex(entry.ip), 16),
    port: Number(entry.port),
    nodeId: nodeIdOf(entry.node_id),
    startWindow: big(entry.start_window),
  };
}

function describeEntry({ ipVersion, ip, port, nodeId, startWindow }: peerList.PeerEntry) {
  return { ip_version: ipVersion, ip, port, node_id: nodeId, start_window: startWindow };
}

function labelsFrom(input: Input) {
  if (input.labels !== undefined) return (input.labels as unknown[]).map(hex32);
  const label = hex32(String(input.label_repeat_byte).repeat(32));
  return new Array<typeof label>(Number(input.label_count)).fill(label);
}

interface PayloadKind {
  readonly encode: (input: Input) => Uint8Array;
  readonly decode: (payload: Uint8Array) => unknown;
}

const payloadKinds: Readonly<Record<string, PayloadKind>> = {
  "fast-sync-request": {
    encode: (input) =>
      fastSync.encodeRequest({ anchorWindow: big(input.anchor_window), resumeOffset: big(input.resume_offset) }),
    decode: (payload) => {
      const { anchorWindow, resumeOffset } = fastSync.decodeRequest(payload);
      return { anchor_window: anchorWindow, resume_offset: resumeOffset };
    },
  },
  "fast-sync-response": {
    encode: (input) => fastSync.encodeChunk({ ...chunkFieldsFrom(input), records: hex(input.records) }),
    decode: (payload) => {
      const { chunkIndex, totalChunks, tableId, recordCount, records } = fastSync.decodeChunk(payload);
      return {
        chunk_index: chunkIndex,
        total_chunks: totalChunks,
        table_id: tableId,
        record_count: recordCount,
        records,
      };
    },
  },
  "fast-sync-error": {
    encode: (input) => fastSync.encodeError({ code: Number(input.code), message: hex(input.message) }),
    decode: (payload) => ({ ...fastSync.decodeError(payload) }),
  },
  "peer-list-request": {
    encode: (input) => peerList.encodePeerListRequest({ maxCount: Number(input.max_count) }),
    decode: (payload) => ({ max_count: peerList.decodePeerListRequest(payload).maxCount }),
  },
  "peer-entry": {
    encode: (input) => peerList.encodePeerEntry(entryFrom(input)),
    decode: (payload) => describeEntry(peerList.decodePeerEntry(payload)),
  },
  "peer-list-response": {
    encode: (input) => peerList.encodePeerListResponse((input.peers as Input[]).map(entryFrom)),
    decode: (payload) => ({ peers: peerList.decodePeerListResponse(payload).map(describeEntry) }),
  },
  "batch-lookup-error": {
    encode: (input) =>
      lookup.encodeLookupError({ queryType: Number(input.query_type), errorCode: Number(input.error_code) }),
    decode: (payload) => {
      const { queryType, errorCode } = lookup.decodeLookupError(payload);
      return { query_type: queryType, error_code: errorCode };
    },
  },
  "range-subscribe-request": {
    encode: (input) => subscribe.encodeSubscribeRequest(labelsFrom(input)),
    decode: (payload) => ({ labels: subscribe.decodeSubscribeRequest(payload) }),
  },
  "range-subscribe-error": {
    encode: (input) => subscribe.encodeSubscribeError({ errorCode: Number(input.error_code) }),
    decode: (payload) => ({ error_code: subscribe.decodeSubscribeError(payload).errorCode }),
  },
  bye: {
    encode: (input) => encodeBye({ reason: Number(input.reason) }),
    decode: (payload) => {
      const { reason } = decodeBye(payload);
      return { reason, known_reason: isKnownReason(reason) };
    },
  },
};

function payloadKind(name: unknown): PayloadKind {
  const kind = payloadKinds[String(name)];
  if (kind === undefined) throw new Error(`no such payload: ${String(name)}`);
  return kind;
}

const payloadEncode: Runner = (input, { crypto }) => describeBytes(crypto, payloadKind(input.kind).encode(input));
export const payloadDecode: Runner = (input) => payloadKind(input.kind).decode(hex(input.bytes));

function chunkFieldsFrom(input: Input): Omit<fastSync.Chunk, "records"> {
  return {
    chunkIndex: Number(input.chunk_index),
    totalChunks: Number(input.total_chunks),
    tableId: Number(input.table_id) as fastSync.TableId,
    recordCount: Number(input.record_count),
  };
}

const recordEncoders: Readonly<Record<string, (crypto: Crypto, record: Input) => Uint8Array>> = {
  account: (crypto, record) => encode(accountRecord, accountFrom(crypto, record)),
  node: (crypto, record) => encode(nodeRecord, nodeFrom(crypto, record)),
  candidate: (crypto, record) => encode(candidateRecord, candidateFrom(crypto, record)),
};

const fastSyncTables: Runner = (input, { crypto }) => {
  const records = (input.records as Input[]).map((record) => {
    const key = { mldsa65_seed: record.pubkey_seed };
    return recordEncoders[record.type]!(crypto, { ...record, current_pubkey: key, node_pubkey: key });
  });
  const payload = fastSync.encodeChunk({
    ...chunkFieldsFrom({ ...input, record_count: records.length }),
    records: concatBytes(...records),
  });
  return {
    len: payload.length,
    header: payload.subarray(0, fastSync.CHUNK_HEADER_SIZE),
    record_sizes: records.map(({ length }) => length),
    record_sha256: records.map((record) => crypto.sha256(record)),
    payload_sha256: crypto.sha256(payload),
  };
};

// Signed objects

type AnyClass = SignedClass<Signed>;
const anyClass = <T extends Signed>(signedClass: SignedClass<T>) => signedClass as unknown as AnyClass;

/** What a case describes, without its signature, and its class. */
function draftFrom(crypto: Crypto, input: Input): readonly [AnyClass, object] {
  switch (input.object) {
    case "transfer":
      return [anyClass(operation), operationDraftOf(crypto, { ...input, type: "transfer", receiver: input.link })];
    case "transfer-activation":
      return [
        anyClass(operation),
        operationDraftOf(crypto, { ...input, type: "create", receiver_key_seed: input.receiver_seed }),
      ];
    case "change-key":
    case "anchor":
      return [anyClass(operation), operationDraftOf(crypto, { ...input, type: input.object })];
    case "node-registration":
      return [anyClass(nodeRegistration), registrationFrom(crypto, input)];
    case "bundled-confirmation":
      return [
        anyClass(bundledConfirmation),
        {
          nodeId: nodeIdOf(input.node_id),
          endpoint: hex32(input.endpoint),
          windowIndex: big(input.window_index),
          opHashes: (input.op_hashes as unknown[]).map(hex32),
          revealHashes: (input.reveal_hashes as unknown[]).map(hex32),
        },
      ];
    case "vdf-reveal":
      return [
        anyClass(vdfReveal),
        { nodeId: nodeIdOf(input.node_id), windowIndex: big(input.window_index), endpoint: hex32(input.endpoint) },
      ];
    case "proposal-header":
      return [anyClass(proposalHeader), headerFieldsFrom(input)];
    default:
      throw new Error(`no such object: ${String(input.object)}`);
  }
}

function registrationFrom(crypto: Crypto, input: Input): Draft<NodeRegistration> {
  return {
    type: TYPE_NODE_REGISTRATION,
    suiteId: Number(input.suite_id),
    nodePubkey: publicKeyOf(crypto, input.signer_seed),
    operatorAccountId: accountIdOf(input.operator_account_id),
    proofEndpoint: hex32(input.proof_endpoint),
    wStart: big(input.w_start),
    vdfChainLength: big(input.vdf_chain_length),
  };
}

const consensusPayloads: Runner = (input, { crypto }) => {
  const [signedClass, draft] = draftFrom(crypto, input);
  const object = signedClass.sign(crypto, keyPairOf(crypto, input.signer_seed).secretKey, draft);
  const payload = signedClass.encode(object);
  const envelope = encodeEnvelope({ ...envelopeFrom({ ...input, payload: "" }), payload });
  return {
    scope: signedClass.scope(object),
    payload_len: payload.length,
    signature_sha256: crypto.sha256(object.signature),
    payload_sha256: crypto.sha256(payload),
    object_id: signedClass.identify(crypto, object),
    envelope_header: envelope.subarray(0, ENVELOPE_HEADER_SIZE),
    envelope_sha256: crypto.sha256(envelope),
  };
};

/** A header has no other check on the way in than that of its length, for which the codec has two names. */
function decodeHeader(payload: Uint8Array): ProposalHeader {
  try {
    return proposalHeader.decode(payload);
  } catch (error) {
    const { code } = error as ProtocolError;
    throw code === "truncated" || code === "trailing-bytes" ? new ProtocolError("wrong-size") : error;
  }
}

const proposalDecode: Runner = ({ scope, signature }, { crypto }) => {
  const header = decodeHeader(concatBytes(hex(scope), bytesOf(signature)));
  return {
    prev_proposal_hash: header.prevProposalHash,
    window_index: header.windowIndex,
    protocol_version: header.protocolVersion,
    control_root: header.controlRoot,
    node_root: header.nodeRoot,
    candidate_root: header.candidateRoot,
    account_root: header.accountRoot,
    state_root: header.stateRoot,
    timechain_value: header.timechainValue,
    included_bundles_root: header.includedBundlesRoot,
    included_reveals_root: header.includedRevealsRoot,
    winner_endpoint: header.winnerEndpoint,
    winner_id: header.winnerId,
    proposer_node_id: header.proposerNodeId,
    target: header.target,
    fallback_depth: header.fallbackDepth,
    signature_sha256: crypto.sha256(header.signature),
    proposal_hash: proposalHeader.identify(crypto, header),
  };
};

// How the reference takes messages

/** A message of any size, also of one that this program would not send. */
function foreignEnvelope(input: Input): Uint8Array {
  const { msgType, requestId, payload } = envelopeFrom(input);
  const header = encodeEnvelope({ msgType, requestId, payload: new Uint8Array(0) });
  new DataView(header.buffer, header.byteOffset).setUint32(ENVELOPE_HEADER_SIZE - 4, payload.length, true);
  return concatBytes(header, payload);
}

/** Profile `rc1` takes messages as the reference does. */
const referenceReplies: Runner = (input) => {
  if (input.event !== undefined) {
    const { name, ...rest } = describeReply(new PingSeries().next());
    return { node_sends: name, ...rest };
  }
  const reception = receive(foreignEnvelope(input), "rc1");
  if (reception.verdict === "reset") throw new ProtocolError("stream-failed");
  const { name, ...rest } = describeReply(reception.reply);
  return { reply: name, ...rest, handed_to_consensus: reception.verdict === "hand-on" };
};

function describeReply(reply: Uint8Array) {
  const { msgType, requestId, payload } = decodeEnvelope(reply);
  return { name: messageKind(msgType)!.name, request_id: requestId, payload_empty: payload.length === 0 };
}

// Services that no node of the reference has

const batchLookup: Readonly<Record<string, Runner>> = {
  "request-encode": (input, { crypto }) =>
    describeBytes(
      crypto,
      lookup.encodeLookupRequest({
        queryType: Number(input.query_type) as lookup.QueryType,
        accountIds: (input.queries as unknown[]).map(accountIdOf),
      }),
    ),
  "request-verdict": (input) => {
    const verdict = lookup.judgeLookupRequest(hex(input.bytes), Number(input.lookups_in_window ?? 0));
    return "error" in verdict ? { error_payload: lookup.encodeLookupError(verdict.error) } : { accept: true };
  },
  "response-encode": (input, { crypto }) =>
    describeBytes(
      crypto,
      lookup.encodeLookupResponse(
        input.exists === undefined
          ? { queryType: lookup.PRE_KEY_BUNDLE, bundles: (input.bundles as unknown[]).map(bytesOf) }
          : { queryType: lookup.ACCOUNT_EXISTS, exists: (input.exists as unknown[]).map(Boolean) },
      ),
    ),
};

const rangeSubscribe: Readonly<Record<string, Runner>> = {
  "response-encode": (input, { crypto }) => {
    const blobs = (input.blobs as Input[]).map((it) => ({
      matchedLabel: hex32(it.matched_label),
      data: bytesOf(it.blob_data),
    }));
    const bytes = subscribe.encodeSubscribeResponse(blobs);
    return bytes === undefined
      ? { error_code: subscribe.SUBSCRIBE_ERROR.resourceExhausted }
      : describeBytes(crypto, bytes);
  },
  "app-id": (input, { crypto }) => ({ app_id: labelAppId(crypto, hex32(input.label)) }),
};

const HEAD_SIZE = 50;

const peerRecord: Runner = (input, { crypto }) => {
  const nodePubkey = publicKeyOf(crypto, input.pubkey_seed);
  const nodeId = nodeIdOfKey(crypto, nodePubkey);
  const record = encodePeerRecord({ ip: sized(hex(input.ip), 16), port: Number(input.port), nodeId, nodePubkey });
  return { ...describeBytes(crypto, record), node_id: nodeId, head: record.subarray(0, HEAD_SIZE) };
};

const SUITE = 1;

const peerIdentity: Runner = ({ seed }, { crypto }) => {
  const publicKey = publicKeyOf(crypto, seed);
  const peerId = peerIdOf(crypto, publicKey);
  return {
    pubkey_sha256: crypto.sha256(publicKey),
    peer_id: formatPeerId(peerId),
    peer_id_bytes: peerId,
    node_id: nodeIdOfKey(crypto, publicKey),
    account_id: accountIdOfKey(crypto, SUITE, publicKey),
  };
};

export const messageRunners: Readonly<Record<string, Runner>> = {
  "06-transport/envelope": envelopeEncode,
  "07-network/envelope-encode": envelopeEncode,
  "07-network/envelope-decode": envelopeDecode,
  "07-network/msg-type-registry": registry,
  "07-network/payload-encode": payloadEncode,
  "07-network/payload-decode": payloadDecode,
  "07-network/consensus-payloads": consensusPayloads,
  "07-network/proposal-decode": proposalDecode,
  "07-network/fast-sync-tables": fastSyncTables,
  "07-network/rc1-node-replies": referenceReplies,
  "07-network/spec-batch-lookup": byOperation(batchLookup),
  "07-network/spec-range-subscribe": byOperation(rangeSubscribe),
  "07-network/spec-peer-record": peerRecord,
  "07-network/peer-identity": peerIdentity,
};
