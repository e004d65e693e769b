/** What the codec reads by a declared layout: records, parameters, objects of consensus, operations. */
import { encode, decode, type Codec } from "../../../main/protocol/codec/codec.ts";
import * as codecs from "../../../main/protocol/codec/codec.ts";
import { protocolParams, specProtocolParams } from "../../../main/protocol/genesis/params.ts";
import * as consensus from "../../../main/protocol/objects/consensus.ts";
import { nodeRegistration } from "../../../main/protocol/objects/nodeRegistration.ts";
import { decodeOperation, operation, textCreate, TYPE_TRANSFER } from "../../../main/protocol/objects/operations.ts";
import { accountRecord, candidateRecord, nodeRecord } from "../../../main/protocol/state/records.ts";
import type { AnyDecoder, Decoder } from "../decoder.ts";
import { Random } from "../random.ts";
import * as values from "../values.ts";

/** Every byte is copied once at most; elements of lists have more bytes than a reference has. */
const COPY = { base: 0, perByte: 2 };

type Options<T> = Partial<Decoder<T>>;

function layout<T>(name: string, codec: Codec<T>, generate: (random: Random) => T, options: Options<T> = {}) {
  const codecErrors = options.decode === undefined ? ["truncated", "trailing-bytes"] : [];
  const decoder: Decoder<T> = {
    name,
    of: [codec],
    allocation: COPY,
    notations: "one",
    decode: (input) => decode(codec, input),
    encode: (value) => encode(codec, value),
    generate,
    ...options,
    errors: [...codecErrors, ...(options.errors ?? [])],
  };
  return decoder;
}

const { u8, u16, u32, u64, u128, flag, hash32, publicKey, signature } = codecs;
/** A list of 1,000 in each place: what a busy window makes. */
const LONG_LIST = 1000;
const large = new Random(1, "large");

export const layoutDecoders: readonly AnyDecoder[] = [
  layout("u8", u8, values.u8, { of: [u8, decode] }),
  layout("u16", u16, values.u16),
  layout("u32", u32, values.u32),
  layout("u64", u64, values.u64),
  layout("u128", u128, values.u128),
  layout("flag", flag, (random) => random.once(2), { errors: ["non-canonical-flag"] }),
  layout("hash", hash32, values.hash32),
  layout("public-key", publicKey, values.publicKey),
  layout("signature", signature, values.signature),

  layout("account-record", accountRecord, values.accountRecord, { errors: ["non-canonical-flag"] }),
  layout("node-record", nodeRecord, values.nodeRecord),
  layout("candidate-record", candidateRecord, values.candidateRecord),
  layout("protocol-params", protocolParams, values.protocolParams, { errors: ["reserved-not-zero"] }),
  layout("spec-protocol-params", specProtocolParams, values.specProtocolParams, { errors: ["reserved-not-zero"] }),

  layout("vdf-reveal", consensus.vdfReveal.codec, values.vdfReveal, { of: [consensus.vdfReveal] }),
  layout("bundled-confirmation", consensus.bundledConfirmation.codec, values.bundledConfirmation, {
    of: [consensus.bundledConfirmation],
    errors: ["non-canonical-order"],
    corpus: [consensus.bundledConfirmation.encode(values.bundledConfirmation(large, LONG_LIST))],
  }),
  layout("proposal-header", consensus.proposalHeader.codec, values.proposalHeader, { of: [consensus.proposalHeader] }),
  layout("proposal-body", consensus.proposalBody, values.proposalBody, {
    errors: ["non-canonical-order"],
    corpus: [encode(consensus.proposalBody, values.proposalBody(large, LONG_LIST))],
  }),
  layout("proposal-vote", consensus.proposalVote, values.proposalVote),

  layout("operation", operation.codec, values.operation, {
    of: [decodeOperation],
    errors: ["unknown-type", "bad-length"],
    decode: decodeOperation,
  }),
  layout("operation-layout", operation.codec, values.operation, { of: [operation], errors: ["unknown-type"] }),
  layout("text-create", textCreate.codec, (random) => ({ type: TYPE_TRANSFER, ...values.createFields(random) }), {
    of: [textCreate],
    errors: ["unknown-type"],
  }),
  layout("node-registration", nodeRegistration.codec, values.nodeRegistration, {
    of: [nodeRegistration],
    errors: ["unknown-type"],
  }),
];
