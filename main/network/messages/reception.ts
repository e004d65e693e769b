/**
 * What is done with one message before anybody looks into its payload: which reply goes back, and whether the message goes
 * any further (chapter 07 §4.1, §4.2, §5.1). Every message gets exactly one reply on its substream, or the substream fails.
 */
import { ProtocolError } from "../../protocol/errors.ts";
import { encodeError } from "../../protocol/fastsync/codec.ts";
import type { Profile } from "../../protocol/genesis/rules.ts";
import {
  decodeEnvelope,
  encodeEnvelope,
  PAYLOAD_SIZE_MAX,
  readEnvelopeHeader,
  type Envelope,
  type EnvelopeErrorCode,
} from "./envelope.ts";
import { BYE, decodeBye, pong } from "./liveness.ts";
import { MESSAGE, messageKind, type EnvelopeProtocol } from "./registry.ts";

const OVERSIZE_PENALTY = 10;
const MALFORMED_PENALTY = 1;
/** FastSyncError 3, the only error that the registry has for a foreign version. */
const UNSUPPORTED_VERSION = 3;

export type Reception =
  /** The substream fails without a reply; the connection lives on. */
  | { readonly verdict: "reset"; readonly fault: EnvelopeErrorCode; readonly penalty: number }
  /** The reply is all. */
  | { readonly verdict: "acknowledge"; readonly reply: Uint8Array; readonly penalty: number }
  /** Gossip: the reply goes back whatever becomes of the message. */
  | { readonly verdict: "hand-on"; readonly message: Envelope; readonly reply: Uint8Array }
  /** A request: `reply` says that this node does not serve it. */
  | { readonly verdict: "serve"; readonly message: Envelope; readonly reply: Uint8Array }
  /** After the reply the connection ends; `sendsBye` with that reason first, where the peer has not said Bye itself. */
  | { readonly verdict: "part"; readonly reply: Uint8Array; readonly reason: number; readonly sendsBye: boolean };

/**
 * `request` is what came on a substream of `protocol`. In profile `rc1` this is what the reference does: whatever it cannot
 * read fails the substream, whatever it can read is answered by a Pong, and all but a Ping is handed on.
 */
export function receive(request: Uint8Array, profile: Profile, protocol: EnvelopeProtocol = "messages"): Reception {
  let message: Envelope;
  try {
    if (readEnvelopeHeader(request).payloadLength > PAYLOAD_SIZE_MAX) return reset("payload-too-large");
    message = decodeEnvelope(request, protocol);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const fault = error.code as EnvelopeErrorCode;
    return profile === "rc1" ? reset(fault) : receiveFaulty(request, fault);
  }
  const reply = pong(message.requestId);
  if (message.msgType === MESSAGE.ping) return { verdict: "acknowledge", reply, penalty: 0 };
  if (profile === "rc1") return { verdict: "hand-on", message, reply };
  return receiveWhole(message, reply, protocol);
}

function receiveWhole(message: Envelope, reply: Uint8Array, protocol: EnvelopeProtocol): Reception {
  if (message.msgType === MESSAGE.bye) return receiveBye(message, reply);
  switch (messageKind(message.msgType, protocol)!.role) {
    case "request":
      return { verdict: "serve", message, reply };
    case "response":
      // Only a reply may be one; a Pong out of nowhere is harmless.
      return { verdict: "acknowledge", reply, penalty: message.msgType === MESSAGE.pong ? 0 : MALFORMED_PENALTY };
    case "one-way":
      return { verdict: "hand-on", message, reply };
  }
}

function receiveBye({ payload }: Envelope, reply: Uint8Array): Reception {
  const reason = payload.length === 1 ? decodeBye(payload).reason : undefined;
  if (reason === undefined) return { verdict: "acknowledge", reply, penalty: MALFORMED_PENALTY };
  return { verdict: "part", reply, reason, sendsBye: false };
}

function receiveFaulty(request: Uint8Array, fault: EnvelopeErrorCode): Reception {
  if (fault === "unknown-msg-type") {
    return { verdict: "acknowledge", reply: pong(readEnvelopeHeader(request).requestId), penalty: 0 };
  }
  if (fault !== "unsupported-version") return reset(fault);
  const reply = encodeEnvelope({
    msgType: MESSAGE.fastSyncError,
    requestId: readEnvelopeHeader(request).requestId,
    payload: encodeError({ code: UNSUPPORTED_VERSION, message: new Uint8Array(0) }),
  });
  return { verdict: "part", reply, reason: BYE.versionMismatch, sendsBye: true };
}

function reset(fault: EnvelopeErrorCode): Reception {
  return { verdict: "reset", fault, penalty: fault === "payload-too-large" ? OVERSIZE_PENALTY : MALFORMED_PENALTY };
}
