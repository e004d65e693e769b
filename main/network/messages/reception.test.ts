import { describe, expect, test } from "vitest";

import { decodeError } from "../../protocol/fastsync/codec.ts";
import { decodeEnvelope, encodeEnvelope } from "./envelope.ts";
import { BYE, encodeBye } from "./liveness.ts";
import { receive, type Reception } from "./reception.ts";
import { MESSAGE, MESSAGE_KINDS, type MessageType } from "./registry.ts";

const ID = 77n;
const message = (msgType: MessageType, payload: Uint8Array = new Uint8Array(3)) =>
  encodeEnvelope({ msgType, requestId: ID, payload });
const replyOf = (reception: Reception) => (reception.verdict === "reset" ? undefined : decodeEnvelope(reception.reply));
const pong = { msgType: MESSAGE.pong, requestId: ID, payload: new Uint8Array(0) };

describe("a message", () => {
  test("that can be read is answered by a Pong of its number, whatever happens to it", () => {
    for (const { type, protocol } of MESSAGE_KINDS) {
      for (const profile of ["spec", "rc1"] as const) {
        expect(replyOf(receive(message(type), profile, protocol))).toEqual(pong);
      }
    }
  });

  test("is handed on as gossip, served as a request, and refused as a response that nobody asked for", () => {
    const verdicts = new Map(
      MESSAGE_KINDS.map(({ type, protocol }) => [type, receive(message(type), "spec", protocol)]),
    );
    expect(verdicts.get(MESSAGE.transfer)).toMatchObject({
      verdict: "hand-on",
      message: { msgType: MESSAGE.transfer },
    });
    expect(verdicts.get(MESSAGE.proposalVote)?.verdict).toBe("hand-on");
    expect(verdicts.get(MESSAGE.peerListRequest)?.verdict).toBe("serve");
    expect(verdicts.get(MESSAGE.ping)).toMatchObject({ verdict: "acknowledge", penalty: 0 });
    expect(verdicts.get(MESSAGE.pong)).toMatchObject({ verdict: "acknowledge", penalty: 0 });
    expect(verdicts.get(MESSAGE.fastSyncResponse)).toMatchObject({ verdict: "acknowledge", penalty: 1 });
  });

  test("of consensus is foreign on the protocol of messages", () => {
    expect(receive(message(MESSAGE.proposalBody), "spec")).toMatchObject({ verdict: "acknowledge", penalty: 0 });
    expect(receive(message(MESSAGE.transfer), "spec", "consensus")).toMatchObject({
      verdict: "acknowledge",
      penalty: 0,
    });
  });

  test("of another type is answered and forgotten, of another version ends the connection; the reference fails both", () => {
    const unknown = message(MESSAGE.ping).with(0, 0x02);
    const foreign = message(MESSAGE.ping).with(1, 2);
    expect(receive(unknown, "spec")).toMatchObject({ verdict: "acknowledge", penalty: 0 });
    const parting = receive(foreign, "spec");
    expect(parting).toMatchObject({ verdict: "part", reason: BYE.versionMismatch, sendsBye: true });
    const reply = replyOf(parting)!;
    expect(reply).toMatchObject({ msgType: MESSAGE.fastSyncError, requestId: ID });
    expect(decodeError(reply.payload).code).toBe(3);
    for (const it of [unknown, foreign]) expect(receive(it, "rc1").verdict).toBe("reset");
  });

  test("that says too much, too little or nothing fails its substream", () => {
    const huge = message(MESSAGE.proposal).with(13, 0x01);
    expect(receive(huge, "spec")).toEqual({ verdict: "reset", fault: "payload-too-large", penalty: 10 });
    for (const it of [new Uint8Array(0), message(MESSAGE.ping).subarray(0, -1)]) {
      expect(receive(it, "spec")).toMatchObject({ verdict: "reset", penalty: 1 });
    }
  });

  test("of farewell ends the connection with its reason", () => {
    const bye = message(MESSAGE.bye, encodeBye({ reason: BYE.maintenance }));
    expect(receive(bye, "spec")).toMatchObject({ verdict: "part", reason: BYE.maintenance, sendsBye: false });
    expect(receive(message(MESSAGE.bye), "spec")).toMatchObject({ verdict: "acknowledge", penalty: 1 });
    expect(receive(bye, "rc1").verdict).toBe("hand-on");
  });
});
