import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ascii, concatBytes } from "../../protocol/bytes.ts";
import { ByteQueue } from "./byteQueue.ts";
import { DialerNegotiation, ListenerNegotiation } from "./multistream.ts";

const message = (text: string): Uint8Array => concatBytes(new Uint8Array([text.length + 1]), ascii(`${text}\n`));
const HEADER = message("/multistream/1.0.0");
const sent = ({ length }: Uint8Array, parts: readonly number[]): number[] => parts.map((part) => part % length);

function feed(queue: ByteQueue, bytes: Uint8Array, cuts: readonly number[], step: () => void): void {
  let start = 0;
  for (const cut of [...sent(bytes, cuts).sort((a, b) => a - b), bytes.length]) {
    queue.push(bytes.subarray(start, cut));
    start = cut;
    step();
  }
}

describe("multistream-select", () => {
  test("agrees on a protocol, and leaves what follows, however the bytes are cut", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 6 }), fc.uint8Array({ maxLength: 40 }), (cuts, rest) => {
        const dialer = new DialerNegotiation("/b");
        const listener = new ListenerNegotiation(["/a", "/b"]);
        const received = new ByteQueue();
        const answers: Uint8Array[] = [];
        let agreed: string | undefined;
        feed(received, concatBytes(dialer.opening, rest), cuts, () => {
          agreed ??= listener.advance(received, (answer) => answers.push(answer));
        });
        expect(agreed).toBe("/b");
        expect(received.takeAll()).toEqual(rest);

        const back = new ByteQueue();
        let isConfirmed = false;
        feed(back, concatBytes(...answers, rest), cuts, () => {
          isConfirmed ||= dialer.advance(back);
        });
        expect(isConfirmed).toBe(true);
        expect(back.takeAll()).toEqual(rest);
      }),
      { numRuns: 50 },
    );
  });

  test("reads a name of more than 127 bytes and refuses a length that is not in its shortest form", () => {
    const name = `/${"x".repeat(200)}`;
    const received = new ByteQueue();
    const dialer = new DialerNegotiation(name);
    received.push(dialer.opening);
    expect(new ListenerNegotiation([name]).advance(received, () => undefined)).toBe(name);

    received.push(concatBytes(HEADER, new Uint8Array([0x83, 0x00]), ascii("/a\n")));
    expect(() => new ListenerNegotiation(["/a"]).advance(received, () => undefined)).toThrow("multistream-violation");
  });

  test("ends a negotiation that proposes without end", () => {
    const received = new ByteQueue();
    const listener = new ListenerNegotiation(["/a"]);
    received.push(concatBytes(HEADER, ...Array<Uint8Array>(64).fill(message("/b"))));
    let answers = 0;
    expect(listener.advance(received, () => answers++)).toBeUndefined();
    expect(answers).toBe(65);
    received.push(message("/b"));
    expect(() => listener.advance(received, () => undefined)).toThrow("multistream-violation");
  });

  test("tells a dialer that its protocol is not served", () => {
    const received = new ByteQueue();
    received.push(concatBytes(HEADER, message("na")));
    expect(() => new DialerNegotiation("/a").advance(received)).toThrow("protocol-not-available");
  });
});
