import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadCrypto } from "../../native/index.ts";
import { equalBytes } from "../../protocol/bytes.ts";
import type { ProtocolError } from "../../protocol/errors.ts";
import { FrameOpener, FrameSealer } from "./aeadStream.ts";
import { Initiator, Responder, type Session } from "./handshake.ts";
import { ByteQueue } from "../transport/byteQueue.ts";

const { crypto } = loadCrypto();

function identityOf(number: number) {
  const { publicKey, secretKey } = crypto.mldsa65.generate(new Uint8Array(32).fill(number));
  return { publicKey, sign: (digest: Uint8Array) => crypto.mldsa65.sign(secretKey, digest) };
}

const dialer = identityOf(1);
const listener = identityOf(2);
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const randomness = fc.record({ ephemeralSeed: bytes(64), encapsulation: bytes(32) });

const copy = ({ ephemeralSeed, encapsulation }: { ephemeralSeed: Uint8Array; encapsulation: Uint8Array }) => ({
  ephemeralSeed: ephemeralSeed.slice(),
  encapsulation: encapsulation.slice(),
});

type Change = (message: Uint8Array, number: number) => Uint8Array;

function shakeHands(
  drawnI: { ephemeralSeed: Uint8Array; encapsulation: Uint8Array },
  drawnR: { ephemeralSeed: Uint8Array; encapsulation: Uint8Array },
  change: Change = (message) => message,
): { initiator: Session | undefined; responder: Session | undefined; code: string | undefined } {
  const initiator = new Initiator(crypto, dialer, copy(drawnI));
  const responder = new Responder(crypto, listener, copy(drawnR));
  let sent: Session | undefined;
  try {
    responder.receiveMessage1(change(initiator.message1, 1));
    initiator.receiveMessage2(change(responder.sendMessage2(), 2));
    const { message, session } = initiator.sendMessage3();
    sent = session;
    return { initiator: sent, responder: responder.receiveMessage3(change(message, 3)), code: undefined };
  } catch (error) {
    return { initiator: sent, responder: undefined, code: (error as ProtocolError).code };
  }
}

describe("Noise_PQ XX", () => {
  test("gives both sides equal keys and each the other's identity, for all seeds", () => {
    fc.assert(
      fc.property(randomness, randomness, (drawnI, drawnR) => {
        const { initiator, responder } = shakeHands(drawnI, drawnR);
        expect(initiator!.initiatorToResponder).toEqual(responder!.initiatorToResponder);
        expect(initiator!.responderToInitiator).toEqual(responder!.responderToInitiator);
        expect(initiator!.transcriptHash).toEqual(responder!.transcriptHash);
        expect(equalBytes(initiator!.initiatorToResponder, initiator!.responderToInitiator)).toBe(false);
        expect(initiator!.remotePublicKey).toEqual(listener.publicKey);
        expect(responder!.remotePublicKey).toEqual(dialer.publicKey);
      }),
      { numRuns: 10 },
    );
  });

  test("never completes at the responder when a byte of a message changes on its way", () => {
    const changed = fc.record({
      number: fc.constantFrom(1, 2, 3),
      at: fc.nat(),
      mask: fc.integer({ min: 1, max: 255 }),
    });
    fc.assert(
      fc.property(randomness, randomness, changed, (drawnI, drawnR, { number, at, mask }) => {
        const { initiator, responder, code } = shakeHands(drawnI, drawnR, (message, which) => {
          const received = message.slice();
          if (which === number) received[at % received.length]! ^= mask;
          return received;
        });
        expect(responder).toBeUndefined();
        if (number === 3) expect(code).toBe("bad-initiator-signature");
        else expect(initiator).toBeUndefined();
      }),
      { numRuns: 20 },
    );
  });

  test("has other keys each time that the ephemerals differ", () => {
    fc.assert(
      fc.property(randomness, randomness, randomness, (first, second, third) => {
        fc.pre(!equalBytes(first.ephemeralSeed, second.ephemeralSeed));
        const one = shakeHands(first, third).initiator!;
        const other = shakeHands(second, third).initiator!;
        expect(equalBytes(one.initiatorToResponder, other.initiatorToResponder)).toBe(false);
        expect(equalBytes(one.responderToInitiator, other.responderToInitiator)).toBe(false);
      }),
      { numRuns: 5 },
    );
  });

  test("overwrites the randomness that it was given", () => {
    const drawnI = { ephemeralSeed: new Uint8Array(64).fill(1), encapsulation: new Uint8Array(32).fill(2) };
    const drawnR = { ephemeralSeed: new Uint8Array(64).fill(3), encapsulation: new Uint8Array(32).fill(4) };
    const initiator = new Initiator(crypto, dialer, drawnI);
    const responder = new Responder(crypto, listener, drawnR);
    responder.receiveMessage1(initiator.message1);
    initiator.receiveMessage2(responder.sendMessage2());
    initiator.sendMessage3();
    for (const { ephemeralSeed, encapsulation } of [drawnI, drawnR]) {
      expect(ephemeralSeed.every((byte) => byte === 0)).toBe(true);
      expect(encapsulation.every((byte) => byte === 0)).toBe(true);
    }
  });
});

describe("the encrypted stream", () => {
  const key = new Uint8Array(32).fill(7);
  const writes = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 8 });

  /** Everything that comes out before the error, if there is one. */
  function read(chunks: readonly Uint8Array[]): { readonly plaintext: number[]; readonly failed: boolean } {
    const opener = new FrameOpener(crypto.aead, key.slice());
    const received = new ByteQueue();
    const plaintext: number[] = [];
    try {
      for (const chunk of chunks) {
        received.push(chunk);
        for (let part = opener.open(received); part !== undefined; part = opener.open(received))
          plaintext.push(...part);
      }
      return { plaintext, failed: false };
    } catch {
      return { plaintext, failed: true };
    }
  }

  const sealAll = (parts: readonly Uint8Array[]): Uint8Array[] => {
    const sealer = new FrameSealer(crypto.aead, key.slice());
    return parts.flatMap((part) => sealer.seal(part));
  };

  test("delivers what was written, however writes and segments are cut", () => {
    fc.assert(
      fc.property(writes, fc.integer({ min: 1, max: 400 }), (parts, segment) => {
        const wire = sealAll(parts).flatMap((frame) => [...frame]);
        const chunks = [];
        for (let at = 0; at < wire.length; at += segment) chunks.push(new Uint8Array(wire.slice(at, at + segment)));
        expect(read(chunks)).toEqual({ plaintext: parts.flatMap((part) => [...part]), failed: false });
      }),
      { numRuns: 50 },
    );
  });

  test("stops exactly before a frame that was dropped, repeated, moved or changed", () => {
    const harm = fc.constantFrom("drop", "repeat", "swap", "change");
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { minLength: 3, maxLength: 8 }),
        fc.nat(),
        harm,
        (parts, where, kind) => {
          const frames = sealAll(parts);
          const at = where % (frames.length - 1);
          if (kind === "drop") frames.splice(at, 1);
          else if (kind === "repeat") frames.splice(at + 1, 0, frames[at]!);
          else if (kind === "swap") frames.splice(at, 2, frames[at + 1]!, frames[at]!);
          else frames[at]![frames[at]!.length - 1]! ^= 1;
          const intact = parts.slice(0, kind === "repeat" ? at + 1 : at);
          expect(read(frames)).toEqual({ plaintext: intact.flatMap((part) => [...part]), failed: true });
        },
      ),
      { numRuns: 50 },
    );
  });

  test("uses the counter of its place for each frame", () => {
    const frames = sealAll([new Uint8Array([1]), new Uint8Array(65_520), new Uint8Array([2])]);
    const nonceOf = (counter: number): Uint8Array => new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, counter]);
    const opened = frames.map((frame, i) => crypto.aead.open(key, nonceOf(i), new Uint8Array(0), frame.subarray(2)));
    expect(opened.map((plaintext) => plaintext?.length)).toEqual([1, 65_519, 1, 1]);
  });
});
