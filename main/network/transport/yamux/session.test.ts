import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes } from "../../../protocol/bytes.ts";
import { decodeHeader, encodeHeader, FLAG, TYPE, type FrameHeader, type FrameType } from "./frame.ts";
import { YamuxSession, type SessionOwner } from "./session.ts";
import type { Substream, SubstreamReader } from "./substream.ts";

const WINDOW = 262_144;

/** A reader that takes everything and remembers how much. */
class Sink implements SubstreamReader {
  bytes = 0;
  ended = false;
  isGone = false;
  data(part: Uint8Array): void {
    this.bytes += part.length;
  }
  end(): void {
    this.ended = true;
  }
  gone(): void {
    this.isGone = true;
  }
}

interface Accepting extends SessionOwner {
  readonly accepted: { substream: Substream; sink: Sink }[];
  readonly rules: string[];
}

function owner(expected = 0): Accepting {
  const accepted: Accepting["accepted"] = [];
  const rules: string[] = [];
  return {
    accepted,
    rules,
    accept(substream) {
      const sink = new Sink();
      substream.expected = expected;
      accepted.push({ substream, sink });
      return sink;
    },
    wake: () => undefined,
    violated: (rule) => rules.push(rule),
  };
}

const frame = (type: FrameType, flags: number, stream: number, length: number, body = new Uint8Array(0)): Uint8Array =>
  concatBytes(encodeHeader({ type, flags, stream, length }), body);
const data = (flags: number, stream: number, length: number): Uint8Array =>
  frame(TYPE.data, flags, stream, length, new Uint8Array(length));

function takeFrames(session: YamuxSession): FrameHeader[] {
  const headers = [];
  for (let next = session.nextFrame(); next !== undefined; next = session.nextFrame()) {
    headers.push(decodeHeader(next[0]));
  }
  return headers;
}

describe("a Yamux session", () => {
  test("never sends more than its credit, and all of it once there is enough", () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ write: fc.integer({ min: 1, max: 300_000 }) }),
        fc.record({ grant: fc.integer({ min: 0, max: 300_000 }) }),
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(steps, (all) => {
        const session = new YamuxSession(true, owner());
        const substream = session.open(() => new Sink());
        let credit = WINDOW;
        let written = 0;
        let sent = 0;
        for (const step of all) {
          if ("write" in step) {
            written += step.write;
            substream.write(new Uint8Array(step.write));
          } else {
            credit += step.grant;
            session.receive(frame(TYPE.windowUpdate, 0, substream.id, step.grant));
          }
          for (const { length } of takeFrames(session)) sent += length;
          expect(sent).toBe(Math.min(credit, written));
          expect(session.unsentBytes).toBe(written - sent);
        }
      }),
      { numRuns: 30 },
    );
  });

  test("answers each ping by one pong of its value", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff_ffff), { maxLength: 20 }), (pings) => {
        const session = new YamuxSession(false, owner());
        session.receive(concatBytes(...pings.map((value) => frame(TYPE.ping, FLAG.syn, 0, value))));
        expect(takeFrames(session)).toEqual(
          pings.map((length) => ({ type: TYPE.ping, flags: FLAG.ack, stream: 0, length })),
        );
      }),
      { numRuns: 20 },
    );
  });

  test("opens substreams with rising ids of its own parity", () => {
    for (const isClient of [true, false]) {
      const session = new YamuxSession(isClient, owner());
      const ids = Array.from({ length: 5 }, () => session.open(() => new Sink()).id);
      expect(ids).toEqual(isClient ? [1, 3, 5, 7, 9] : [2, 4, 6, 8, 10]);
    }
  });

  test("reads the same from any cut of the bytes", () => {
    const bytes = concatBytes(
      data(FLAG.syn, 1, 1000),
      frame(TYPE.ping, FLAG.syn, 0, 9),
      data(0, 1, 500),
      data(FLAG.fin, 1, 0),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 700 }), (segment) => {
        const accepting = owner();
        const session = new YamuxSession(false, accepting);
        for (let at = 0; at < bytes.length; at += segment) session.receive(bytes.subarray(at, at + segment));
        expect(accepting.accepted.map(({ sink }) => [sink.bytes, sink.ended])).toEqual([[1500, true]]);
      }),
      { numRuns: 20 },
    );
  });

  test("resets the 129th substream that the other side opens, and has room again when one has ended", () => {
    const accepting = owner();
    const session = new YamuxSession(false, accepting);
    for (let i = 0; i < 129; i++) session.receive(data(FLAG.syn, 2 * i + 1, 0));
    expect(accepting.accepted).toHaveLength(128);
    expect(takeFrames(session)).toEqual([{ type: TYPE.data, flags: FLAG.rst | FLAG.ack, stream: 257, length: 0 }]);
    session.receive(data(FLAG.rst, 1, 0));
    session.receive(data(FLAG.syn, 259, 0));
    expect(accepting.accepted).toHaveLength(129);
    expect(session.openSubstreams).toBe(128);
  });

  test("grants what a reader expects beyond its window, in one piece, once half of the window is used", () => {
    const accepting = owner(1_000_000);
    const session = new YamuxSession(false, accepting);
    session.receive(data(FLAG.syn, 1, WINDOW / 2));
    expect(takeFrames(session)).toEqual([]);
    session.receive(data(0, 1, 1));
    expect(takeFrames(session)).toEqual([
      { type: TYPE.windowUpdate, flags: FLAG.ack, stream: 1, length: 1_000_000 - WINDOW },
    ]);
  });

  test("holds at most 16 MiB unread: resets what overfills first windows, lets grants wait and gives them in turn", () => {
    const accepting = owner(4 * 1_048_576 - 4 * WINDOW);
    const session = new YamuxSession(false, accepting);
    // 52 first windows are 13 MiB.
    for (let i = 0; i < 52; i++) session.receive(data(FLAG.syn, 2 * i + 1, WINDOW));
    const grants = takeFrames(session);
    expect(grants.map(({ type, stream }) => [type, stream])).toEqual([[TYPE.windowUpdate, 1]]);
    session.receive(data(FLAG.syn, 999, 1));
    expect(takeFrames(session)).toEqual([{ type: TYPE.data, flags: FLAG.rst | FLAG.ack, stream: 999, length: 0 }]);
    accepting.accepted[0]!.substream.ignoreRest();
    expect(takeFrames(session).map(({ type, stream }) => [type, stream])).toEqual([[TYPE.windowUpdate, 3]]);
    session.receive(data(FLAG.rst, 3, 0));
    expect(takeFrames(session).map(({ type, stream }) => [type, stream])).toEqual([[TYPE.windowUpdate, 5]]);
  });

  test("gives up on a side that asks and does not read", () => {
    const session = new YamuxSession(false, owner());
    expect(() =>
      session.receive(concatBytes(...Array<Uint8Array>(1025).fill(frame(TYPE.ping, FLAG.syn, 0, 1)))),
    ).toThrow("answers-unread");
  });

  test("says GoAway and names the rule when the window is overrun in a later frame", () => {
    const accepting = owner();
    const session = new YamuxSession(false, accepting);
    session.receive(data(FLAG.syn, 1, WINDOW));
    session.receive(data(0, 1, 1));
    expect(accepting.rules).toEqual(["body beyond the window"]);
    expect(takeFrames(session)).toEqual([{ type: TYPE.goAway, flags: 0, stream: 0, length: 1 }]);
    expect(accepting.accepted[0]!.sink.bytes).toBe(WINDOW);
  });

  test("takes turns between substreams that have much to send", () => {
    const session = new YamuxSession(true, owner());
    for (let i = 0; i < 3; i++) session.open(() => new Sink()).write(new Uint8Array(40_000));
    expect(takeFrames(session).map(({ stream }) => stream)).toEqual([1, 3, 5, 1, 3, 5, 1, 3, 5]);
  });

  test("tells nobody of a substream that was reset before its first frame", () => {
    const session = new YamuxSession(true, owner());
    const sink = new Sink();
    const substream = session.open(() => sink);
    substream.write(new Uint8Array(5));
    substream.reset();
    expect(takeFrames(session)).toEqual([]);
    expect(sink.isGone).toBe(true);
    expect(session.unsentBytes).toBe(0);
  });

  test("lets an id be used again after both sides have finished", () => {
    const accepting = owner();
    const session = new YamuxSession(false, accepting);
    for (let round = 1; round <= 2; round++) {
      session.receive(data(FLAG.syn | FLAG.fin, 1, 10));
      accepting.accepted.at(-1)!.substream.end();
      expect(takeFrames(session)).toEqual([{ type: TYPE.data, flags: FLAG.ack | FLAG.fin, stream: 1, length: 0 }]);
      expect(accepting.accepted).toHaveLength(round);
      expect(session.openSubstreams).toBe(0);
    }
  });
});
