import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, fromHex, toHex } from "../../protocol/bytes.ts";
import { crypto, identityOf } from "./connecting.fixture.ts";
import { Upgrade, type Upgraded } from "./upgrade.ts";

interface Recording {
  readonly name: string;
  readonly input: Readonly<
    Record<"known_side" | "known_identity_seed" | "known_ephemeral_seed" | "known_encaps_m", string>
  > & {
    readonly tcp: readonly (readonly [string, string])[];
  };
}

const path = new URL("../../../test/conformance/vectors/06-transport/session.json", import.meta.url);
const { cases } = JSON.parse(readFileSync(path, "utf8")) as { cases: Recording[] };

const NEGOTIATION_SIZE = 48;
/** From the first byte of each side to the end of its part of the muxer negotiation. */
const DIALER_UPGRADE_SIZE = NEGOTIATION_SIZE + 1184 + 6349 + 52;
const LISTENER_UPGRADE_SIZE = NEGOTIATION_SIZE + 7533 + 70;

describe("the upgrade", () => {
  test.each(cases)("says byte for byte what the known side of the recording said: $name", ({ input }) => {
    const { publicKey, secretKey } = crypto.mldsa65.generate(fromHex(input.known_identity_seed)!);
    const isDialer = input.known_side === "dialer";
    const sent: Uint8Array[] = [];
    const upgrade = new Upgrade(isDialer, {
      crypto,
      identity: { publicKey, sign: (digest) => crypto.mldsa65.sign(secretKey, digest) },
      randomness: {
        ephemeralSeed: fromHex(input.known_ephemeral_seed)!,
        encapsulation: fromHex(input.known_encaps_m)!,
      },
      check: () => undefined,
      send: (bytes) => sent.push(bytes),
    });
    let upgraded = upgrade.receive(new Uint8Array(0));
    const known: Uint8Array[] = [];
    for (const [side, bytes] of input.tcp) {
      if (side === input.known_side) known.push(fromHex(bytes)!);
      else upgraded ??= upgrade.receive(fromHex(bytes)!);
    }
    const size = isDialer ? DIALER_UPGRADE_SIZE : LISTENER_UPGRADE_SIZE;
    expect(toHex(concatBytes(...sent))).toBe(toHex(concatBytes(...known).subarray(0, size)));
    expect(upgraded).toBeDefined();
  });

  test("connects two sides, and hands over what came early, however the bytes are cut", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 20_000 }), (cutD, cutL) => {
        const toListener: Uint8Array[] = [];
        const toDialer: Uint8Array[] = [];
        const side = (isDialer: boolean, out: Uint8Array[]): Upgrade =>
          new Upgrade(isDialer, {
            crypto,
            identity: identityOf(isDialer ? 2 : 1),
            randomness: {
              ephemeralSeed: new Uint8Array(64).fill(isDialer ? 3 : 4),
              encapsulation: new Uint8Array(32).fill(isDialer ? 5 : 6),
            },
            check: () => undefined,
            send: (bytes) => out.push(bytes),
          });
        const dialer = side(true, toListener);
        const listener = side(false, toDialer);
        let dialed = dialer.receive(new Uint8Array(0));
        let listened = listener.receive(new Uint8Array(0));
        const early = new Uint8Array([1, 2, 3]);
        const carry = (from: Uint8Array[], cut: number, to: Upgrade): Upgraded | undefined => {
          let result: Upgraded | undefined;
          const bytes = concatBytes(...from.splice(0));
          for (let at = 0; at < bytes.length; at += cut) {
            const part = bytes.subarray(at, at + cut);
            if (result === undefined) result = to.receive(part);
            else to.rest.push(part);
          }
          return result;
        };
        while (dialed === undefined || listened === undefined) {
          listened ??= carry(toListener, cutD, listener);
          // The listener may speak in its turn before the dialer's end of the negotiation is done.
          if (listened !== undefined) toDialer.push(...listened.sealer.seal(early));
          dialed ??= carry(toDialer, cutL, dialer);
        }
        expect(dialed.publicKey).toEqual(identityOf(1).publicKey);
        expect(listened.publicKey).toEqual(identityOf(2).publicKey);
        const rest = dialed.opener.open(dialer.rest);
        expect(concatBytes(dialed.early, rest ?? new Uint8Array(0))).toEqual(early);
      }),
      { numRuns: 8 },
    );
  });
});
