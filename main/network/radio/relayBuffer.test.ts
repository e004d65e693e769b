/** Chapter 07 §6 item 9. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import type { Hash32 } from "../../protocol/bytes.ts";
import type { Signature } from "../../protocol/crypto.ts";
import { BUFFER_BYTES_MAX, ENVELOPES_PER_SENDER_MAX, RelayBuffer, type Arrival } from "./relayBuffer.ts";
import {
  CIPHERTEXT_SIZE_MAX,
  decodeSealedEnvelope,
  encodeSealedEnvelope,
  isAcceptable,
  SEALED_ENVELOPE_OVERHEAD,
  sealEnvelope,
  verifyEnvelope,
  type SealedEnvelope,
} from "./sealedEnvelope.ts";

const { crypto } = loadCrypto();
const hashOf = (number: number) => new Uint8Array(32).fill(number) as Hash32;
const envelope = (change: Partial<SealedEnvelope> = {}): SealedEnvelope => ({
  recipientHint: hashOf(1),
  ttlWindow: 100,
  fragmentIndex: 0,
  totalFragments: 1,
  ciphertext: new Uint8Array(10),
  senderSignature: new Uint8Array(3309) as Signature,
  ...change,
});
const arrival = (change: Partial<Arrival> = {}): Arrival => ({
  sender: hashOf(9),
  isSignatureValid: true,
  isForThisNode: false,
  plaintext: undefined,
  currentWindow: 50n,
  ...change,
});

const event = fc.record({
  kind: fc.constantFrom("apply", "apply", "apply", "apply", "collect", "prune", "reset"),
  recipient: fc.nat(2),
  sender: fc.nat(1),
  size: fc.nat(20),
  ttlWindow: fc.integer({ min: 45, max: 80 }),
  pause: fc.nat(3),
  isSignatureValid: fc.boolean(),
});

describe("the buffer of a relay", () => {
  test("counts the bytes of what it holds, holds nothing that has expired when it comes, and gives it back once", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const buffer = new RelayBuffer(60n);
        let window = 50;
        for (const { kind, recipient, sender, size, ttlWindow, pause, isSignatureValid } of events) {
          window += pause;
          if (kind === "collect") {
            buffer.collect(hashOf(recipient));
            expect(buffer.collect(hashOf(recipient))).toEqual([]);
          } else if (kind === "prune") {
            buffer.prune(BigInt(window));
            for (const { envelopes } of buffer.queues) {
              for (const it of envelopes) expect(it.ttlWindow).toBeGreaterThanOrEqual(window);
            }
          } else if (kind === "reset") {
            buffer.resetQuotas();
          } else {
            const outcome = buffer.apply(
              envelope({ recipientHint: hashOf(recipient), ttlWindow, ciphertext: new Uint8Array(size) }),
              arrival({ sender: hashOf(sender), isSignatureValid, currentWindow: BigInt(window) }),
            );
            if (ttlWindow <= window) expect(outcome).toEqual({ verdict: "rejected", fault: "invalid-structure" });
            else expect(outcome.verdict).toBe(isSignatureValid ? "buffered" : "rejected");
          }
          const held = buffer.queues.flatMap(({ envelopes }) => envelopes);
          const bytes = held.reduce((sum, { ciphertext }) => sum + SEALED_ENVELOPE_OVERHEAD + ciphertext.length, 0);
          expect(buffer.totalBytes).toBe(bytes);
        }
      }),
    );
  });

  test("takes 256 envelopes of a sender in a τ₁, whatever becomes of them after their signature", () => {
    const buffer = new RelayBuffer(60n);
    buffer.revoke(hashOf(2), 1000n);
    const outcomes = Array.from({ length: ENVELOPES_PER_SENDER_MAX + 1 }, (_, i) =>
      buffer.apply(envelope({ recipientHint: hashOf(1 + (i % 2)) }), arrival()),
    );
    const refused = { verdict: "rejected", fault: "sender-quota-exceeded" };
    expect(outcomes.findIndex((outcome) => "fault" in outcome && outcome.fault === refused.fault)).toBe(256);
    expect(buffer.apply(envelope(), arrival({ sender: hashOf(8) }))).toEqual({ verdict: "buffered" });
    buffer.resetQuotas();
    expect(buffer.apply(envelope(), arrival())).toEqual({ verdict: "buffered" });
  });

  test("forgets revocations that are over", () => {
    const buffer = new RelayBuffer(60n);
    expect(buffer.revoke(hashOf(1), 60n)).toBe(true);
    expect(buffer.apply(envelope(), arrival({ currentWindow: 60n }))).toMatchObject({ fault: "forwarding-revoked" });
    buffer.prune(61n);
    expect(buffer.apply(envelope(), arrival({ currentWindow: 59n }))).toEqual({ verdict: "buffered" });
  });

  test("makes room for favoured senders only", () => {
    const buffer = new RelayBuffer(60n, BUFFER_BYTES_MAX - 4000);
    buffer.apply(envelope({ recipientHint: hashOf(3) }), arrival());
    expect(buffer.apply(envelope(), arrival())).toMatchObject({ fault: "total-quota-exceeded" });
    expect(buffer.favour(hashOf(7))).toBe(true);
    expect(buffer.apply(envelope(), arrival({ sender: hashOf(7) }))).toEqual({ verdict: "buffered" });
    expect(buffer.queues.map(({ recipientHint }) => recipientHint[0])).toEqual([1]);
  });
});

describe("a sealed envelope", () => {
  const { publicKey, secretKey } = crypto.mldsa65.generate(new Uint8Array(32).fill(5));

  test("reads back with a signature over everything before it", () => {
    const sealed = sealEnvelope(crypto, secretKey, envelope({ ciphertext: new Uint8Array(40).fill(3) }));
    expect(decodeSealedEnvelope(encodeSealedEnvelope(sealed))).toEqual(sealed);
    expect(verifyEnvelope(crypto, publicKey, sealed)).toBe(true);
    expect(verifyEnvelope(crypto, publicKey, { ...sealed, ttlWindow: 101 })).toBe(false);
  });

  test("is acceptable up to 65,536 bytes of ciphertext", () => {
    const isGood = (length: number) => isAcceptable(envelope({ ciphertext: new Uint8Array(length) }), 50n, 60n);
    expect([isGood(CIPHERTEXT_SIZE_MAX), isGood(CIPHERTEXT_SIZE_MAX + 1)]).toEqual([true, false]);
  });
});
