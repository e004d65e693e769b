/** Chapter 06 §6 items 10 and 11, and whom a server lets in. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { equalBytes, type Hash32, type NodeId } from "../../protocol/bytes.ts";
import type { Signature } from "../../protocol/crypto.ts";
import { findBootstrapWork } from "../../protocol/identity/bootstrapWork.ts";
import { accountIdOf, nodeIdOf, SUITE_MLDSA65 } from "../../protocol/identity/ids.ts";
import { admit, levelOf, type AccessLevel, type Membership } from "./admission.ts";
import { decodeGreeting, decodeGreetingReply, encodeGreeting, encodeGreetingReply, GREETING_SIZE } from "./greeting.ts";
import { NONCE_LIMITS, NonceTracker } from "./nonceTracker.ts";
import { RECENT_WORK_MAX, RecentWork } from "./recentWork.ts";
import { proveMesh, proveOnline, searchMesh, verifyMesh, verifyOnline } from "./tunnelProof.ts";

const { crypto } = loadCrypto();
const { publicKey, secretKey } = crypto.mldsa65.generate(new Uint8Array(32).fill(3));
const hashOf = (number: number) => new Uint8Array(32).fill(number) as Hash32;
const of = { verifier: hashOf(1) as NodeId, nonce: hashOf(2) };

describe("a proof", () => {
  test("made online counts in its own slot of two windows and in the next, and nowhere else", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 64n - 9n), fc.bigInt(-6n, 8n), (window, distance) => {
        const current = window + distance < 0n ? 0n : window + distance;
        const verdict = verifyOnline(crypto, publicKey, proveOnline(crypto, secretKey, of, window), of, current);
        const slots = current / 2n - window / 2n;
        expect("acceptedWindow" in verdict).toBe(slots === 0n || slots === 1n);
        if ("acceptedWindow" in verdict) expect(verdict.acceptedWindow / 2n).toBe(window / 2n);
      }),
      { numRuns: 30 },
    );
  });

  test("of one kind is none of the other", () => {
    const known = { window: 100n, tau1Windows: 1n };
    const fault = { fault: "invalid-signature" };
    expect(verifyOnline(crypto, publicKey, proveMesh(crypto, secretKey, of, 100n), of, 100n)).toEqual(fault);
    expect(verifyMesh(crypto, publicKey, proveOnline(crypto, secretKey, of, 100n), of, 100n, known)).toEqual(fault);
  });

  test("over the mesh counts for 7·τ₁, declared or searched for", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 60n), fc.bigInt(0n, 60n), fc.bigInt(1n, 4n), (window, knownWindow, tau1Windows) => {
        const proof = proveMesh(crypto, secretKey, of, window);
        const known = { window: knownWindow, tau1Windows };
        const isFresh = window <= knownWindow && knownWindow - window <= 7n * tau1Windows;
        const declared = verifyMesh(crypto, publicKey, proof, of, window, known);
        expect(declared).toEqual(isFresh ? { acceptedWindow: window } : { fault: "staleness-bound-exceeded" });
        // The search may find the other window of the slot.
        const found = searchMesh(crypto, publicKey, proof, of, known);
        if (isFresh) expect(found).toHaveProperty("acceptedWindow");
        if ("acceptedWindow" in found) expect(found.acceptedWindow / 2n).toBe(window / 2n);
      }),
      { numRuns: 30 },
    );
  });
});

describe("the tracker of nonces", () => {
  const use = fc.record({ client: fc.nat(2), nonce: fc.nat(4), pause: fc.bigInt(0n, 3n), back: fc.bigInt(0n, 2n) });

  test("takes a nonce of a client once while its slot is the current or the previous one, and no more than fit", () => {
    fc.assert(
      fc.property(fc.array(use, { maxLength: 60 }), (uses) => {
        const tracker = new NonceTracker({ perClient: 3, total: 7 });
        const taken = new Map<string, bigint>();
        let window = 10n;
        for (const { client, nonce, pause, back } of uses) {
          window += pause;
          const accepted = window - back;
          const fault = tracker.use(hashOf(client), hashOf(nonce), window, accepted);
          const key = `${client} ${nonce}`;
          const slot = taken.get(key);
          if (slot !== undefined && slot >= window / 2n - 1n) expect(fault).toBe("replayed-nonce");
          if (fault === undefined) taken.set(key, accepted / 2n);
          expect(tracker.countOf(hashOf(client))).toBeLessThanOrEqual(3);
          expect(tracker.size).toBeLessThanOrEqual(7);
          const counted = [0, 1, 2].reduce((sum, it) => sum + tracker.countOf(hashOf(it)), 0);
          expect(tracker.size).toBe(counted);
        }
        tracker.prune(window + 4n);
        expect(tracker.size).toBe(0);
      }),
    );
  });

  test("has room for 256 nonces of a client", () => {
    const tracker = new NonceTracker();
    const nonces = Array.from({ length: NONCE_LIMITS.perClient + 1 }, (_, i) => {
      const nonce = hashOf(0).slice() as Hash32;
      nonce[0] = i & 255;
      nonce[1] = i >> 8;
      return nonce;
    });
    const faults = nonces.map((nonce) => tracker.use(hashOf(1), nonce, 0n, 0n));
    expect(faults.filter((fault) => fault === undefined)).toHaveLength(256);
    expect(faults.at(-1)).toBe("nonce-capacity-exceeded");
    expect(tracker.use(hashOf(2), nonces[0]!, 0n, 0n)).toBeUndefined();
  });
});

describe("a server", () => {
  const nodeId = nodeIdOf(crypto, publicKey);
  const accountId = accountIdOf(crypto, SUITE_MLDSA65, publicKey);
  const tables: Membership = { hasNode: () => false, candidateKey: () => undefined, hasAccount: () => false };

  test("gives a key the highest level that a table grants", () => {
    const level = (change: Partial<Membership>) => levelOf(crypto, { ...tables, ...change }, publicKey);
    const hasAccount: Membership["hasAccount"] = (id) => equalBytes(id, accountId);
    const candidateKey: Membership["candidateKey"] = (id) => (equalBytes(id, nodeId) ? publicKey : undefined);
    expect(level({})).toBeUndefined();
    expect(level({ hasAccount })).toBe("account");
    expect(level({ hasAccount, candidateKey })).toBe("candidate");
    expect(level({ hasAccount, candidateKey, hasNode: (id) => equalBytes(id, nodeId) })).toBe("node");
    const otherKey = crypto.mldsa65.generate(new Uint8Array(32)).publicKey;
    expect(level({ hasAccount, candidateKey: () => otherKey })).toBe("account");
  });

  test("keeps no nonce of a key that it refuses", () => {
    const nonces = new NonceTracker();
    const proof = proveOnline(crypto, secretKey, of, 50n);
    const attempt = (level: AccessLevel | undefined) =>
      admit(
        crypto,
        { nodeId: of.verifier, currentWindow: 50n, nonces, levelOf: () => level },
        { publicKey, nonce: of.nonce, proof },
      );
    expect(attempt(undefined)).toEqual({ fault: "invalid-signature" });
    expect(nonces.size).toBe(0);
    expect(attempt("guest")).toEqual({ level: "guest" });
    expect(attempt("guest")).toEqual({ fault: "replayed-nonce" });
  });
});

describe("the work of a stranger", () => {
  const proof = new Uint8Array(3309).fill(4) as Signature;

  test("counts once in a τ₁", () => {
    const recent = new RecentWork(50);
    const { nonce } = findBootstrapWork(crypto, proof, 50, { from: 0n, tries: 10_000 })!;
    expect(recent.take(crypto, proof, nonce, 0)).toBeUndefined();
    expect(recent.take(crypto, proof, nonce, 59_999)).toBe("repeated-work");
    expect(recent.take(crypto, proof, nonce, 60_000)).toBeUndefined();
    const idle = findBootstrapWork(crypto, proof, 50, { from: nonce + 1n, tries: 10_000 })!.nonce;
    expect(recent.take(crypto, proof, idle, 60_000)).toBeUndefined();
  });

  test("must have been done", () => {
    expect(new RecentWork(2 ** 32 - 1).take(crypto, proof, 0n, 0)).toBe("insufficient-work");
  });

  test("is not taken when too much of it is remembered, until the oldest is forgotten", () => {
    const recent = new RecentWork(1);
    const short = new Uint8Array(1) as Signature;
    for (let i = 0; i < RECENT_WORK_MAX; i++) recent.take(crypto, short, BigInt(i), i === 0 ? 0 : 1);
    expect(recent.take(crypto, short, 5000n, 59_999)).toBe("work-capacity-exceeded");
    expect(recent.take(crypto, short, 5000n, 60_000)).toBeUndefined();
  });
});

describe("a greeting", () => {
  const greeting = {
    publicKey,
    nonce: of.nonce,
    proof: new Uint8Array(3309).fill(9) as Signature,
    workNonce: 2n ** 64n - 1n,
  };

  test("has 5,302 bytes and reads back", () => {
    const message = encodeGreeting(greeting);
    expect(message).toHaveLength(GREETING_SIZE);
    expect(GREETING_SIZE).toBe(5302);
    expect(decodeGreeting(message)).toEqual(greeting);
    expect(() => decodeGreeting(message.subarray(1))).toThrow("payload-length-mismatch");
    expect(() => decodeGreeting(message.with(0, 0))).toThrow("unsupported-version");
  });

  test("is answered by a level, by the window of the server, or not at all", () => {
    for (const [i, level] of (["node", "candidate", "account", "guest"] as const).entries()) {
      expect(encodeGreetingReply({ level })).toEqual(new Uint8Array([i + 1]));
      expect(decodeGreetingReply(new Uint8Array([i + 1]))).toEqual({ level });
    }
    expect(decodeGreetingReply(encodeGreetingReply({ currentWindow: 77n }))).toEqual({ currentWindow: 77n });
    expect(() => decodeGreetingReply(new Uint8Array(0))).toThrow("truncated-payload");
    expect(() => decodeGreetingReply(new Uint8Array(1))).toThrow("payload-length-mismatch");
    expect(() => decodeGreetingReply(new Uint8Array([5]))).toThrow("invalid-payload-field");
  });
});
