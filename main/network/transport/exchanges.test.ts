import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { PROTOCOLS } from "../ports.ts";
import type { Service } from "./answer.ts";
import { answering, echo, ping } from "./connecting.fixture.ts";
import { Exchanges } from "./exchanges.ts";

const OUTPUT_MAX = 1 << 26;

/** Two ends whose bytes are carried by {@link Pair.carry}. */
class Pair {
  readonly failures: string[] = [];
  readonly defects: unknown[] = [];
  readonly dialer: Exchanges;
  readonly listener: Exchanges;

  constructor(services: readonly Service[]) {
    const owner = {
      wake: () => undefined,
      violated: (rule: string) => {
        throw new Error(rule);
      },
      failed: (code: string) => this.failures.push(code),
      defect: (error: unknown) => this.defects.push(error),
    };
    this.dialer = new Exchanges(true, [], owner);
    this.listener = new Exchanges(false, services, owner);
  }

  /** Until both are silent. */
  async carry(): Promise<void> {
    for (let silent = 0; silent < 3;) {
      const there = this.dialer.takeOutput(OUTPUT_MAX);
      this.listener.receive(there);
      for (let turn = 0; turn < 16; turn++) await Promise.resolve();
      const back = this.listener.takeOutput(OUTPUT_MAX);
      this.dialer.receive(back);
      silent = there.length + back.length === 0 ? silent + 1 : 0;
    }
  }
}

const service = (serve: Service["serve"], options: Partial<Service> = {}): Service => ({
  protocol: PROTOCOLS.messages,
  framing: "envelope",
  requestBytesMax: 2_000_000,
  ...options,
  serve,
});

const echoing = service((request) => answering.serve(undefined as never, request));
const silent = service(() => new Promise(() => undefined));
const code = (request: Promise<unknown>): Promise<string> =>
  request.then(
    () => "answered",
    (error: unknown) => (error as { code: string }).code,
  );

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe("exchanges", () => {
  test("give each of many concurrent requests its own reply", async () => {
    const pair = new Pair([echoing]);
    const requests = Array.from({ length: 50 }, (_, i) => echo(new Uint8Array(i * 900).fill(i)));
    const replies = Promise.all(requests.map((request) => pair.dialer.request(PROTOCOLS.messages, request)));
    await pair.carry();
    expect(await replies).toEqual(requests);
    expect(pair.dialer.openSubstreams + pair.listener.openSubstreams).toBe(0);
  });

  test("carry many messages of 1 MiB at once within the bound on unread bytes", async () => {
    const pair = new Pair([echoing]);
    const message = echo(new Uint8Array(1_048_576).fill(7));
    const replies = Promise.all(Array.from({ length: 20 }, () => pair.dialer.request(PROTOCOLS.messages, message)));
    const seen = vi.waitFor(() => replies, { timeout: 5000 });
    await pair.carry();
    expect((await seen).every((reply) => reply.length === message.length)).toBe(true);
  });

  test("send the request without waiting once the protocol has been confirmed", async () => {
    const pair = new Pair([echoing]);
    const first = pair.dialer.request(PROTOCOLS.messages, ping);
    await pair.carry();
    await first;
    const second = pair.dialer.request(PROTOCOLS.messages, ping);
    const opening = pair.dialer.takeOutput(OUTPUT_MAX);
    expect(opening.length).toBe(12 + 36 + 12 + 14 + 12);
    pair.listener.receive(opening);
    await pair.carry();
    expect(await second).toHaveLength(14);
  });

  test("fail alone: a refused, an unserved and a timed-out request leave the others as they are", async () => {
    const serve = vi.fn<Service["serve"]>();
    serve.mockResolvedValueOnce(undefined).mockImplementationOnce(() => {
      throw new Error("broken");
    });
    serve.mockReturnValueOnce(new Promise(() => undefined)).mockResolvedValueOnce(ping);
    const pair = new Pair([service(serve)]);
    const refused = code(pair.dialer.request(PROTOCOLS.messages, ping));
    const broken = code(pair.dialer.request(PROTOCOLS.messages, ping));
    const late = code(pair.dialer.request(PROTOCOLS.messages, ping));
    const answered = code(pair.dialer.request(PROTOCOLS.messages, ping));
    const unserved = code(pair.dialer.request(PROTOCOLS.objects, ping));
    await pair.carry();
    vi.advanceTimersByTime(10_000);
    await pair.carry();
    expect(await Promise.all([refused, broken, late, answered, unserved])).toEqual([
      "stream-reset",
      "stream-reset",
      "request-timeout",
      "answered",
      "protocol-not-served",
    ]);
    expect(pair.defects).toEqual([new Error("broken")]);
    vi.advanceTimersByTime(10_000);
  });

  test("refuse a request of this side above 50, and one above 100 in all of the other side", async () => {
    const pair = new Pair([silent]);
    const mine = Array.from({ length: 51 }, () => code(pair.dialer.request(PROTOCOLS.messages, ping)));
    expect(await mine[50]).toBe("too-many-requests");
    await pair.carry();
    pair.dialer.end();
    pair.listener.end();
    expect(await Promise.all(mine.slice(0, 50))).toEqual(Array(50).fill("connection-closed"));
  });

  test("give up on an opener that drips its request", async () => {
    const pair = new Pair([echoing]);
    const request = code(pair.dialer.request(PROTOCOLS.messages, echo(new Uint8Array(300_000)), { timeoutMs: 60_000 }));
    // The opening and its confirmation, then the first piece of the request and no more.
    pair.listener.receive(pair.dialer.takeOutput(1));
    pair.dialer.receive(pair.listener.takeOutput(OUTPUT_MAX));
    pair.listener.receive(pair.dialer.takeOutput(1));
    vi.advanceTimersByTime(10_000);
    expect(pair.failures).toEqual(["request-timeout"]);
    await pair.carry();
    expect(await request).toBe("stream-reset");
  });

  test("refuse a request that says it is too long before it arrives", async () => {
    const pair = new Pair([service(() => Promise.resolve(ping), { requestBytesMax: 100 })]);
    const request = code(pair.dialer.request(PROTOCOLS.messages, echo(new Uint8Array(1000))));
    await pair.carry();
    expect(await request).toBe("stream-reset");
    expect(pair.failures).toEqual(["payload-too-large"]);
  });

  test("name a reply that is no message, and one that is too long", async () => {
    const tooLong = echo(new Uint8Array(20));
    new DataView(tooLong.buffer).setUint32(10, 1_048_577, true);
    for (const [reply, expected] of [
      [new Uint8Array(5), "reply-malformed"],
      [tooLong, "reply-too-large"],
    ] as const) {
      const pair = new Pair([service(() => Promise.resolve(reply))]);
      const request = code(pair.dialer.request(PROTOCOLS.messages, ping));
      await pair.carry();
      expect(await request).toBe(expected);
    }
  });

  test("read a request without envelope to its end", async () => {
    const reversed = service((request) => Promise.resolve(request.slice().reverse()), {
      protocol: PROTOCOLS.objects,
      framing: "to-end",
      requestBytesMax: 100_000,
    });
    const pair = new Pair([reversed]);
    const request = new Uint8Array(90_000).map((_, i) => i);
    const reply = pair.dialer.request(PROTOCOLS.objects, request);
    await pair.carry();
    expect(await reply).toEqual(request.slice().reverse());
  });

  test("can be given up by whoever asked", async () => {
    const pair = new Pair([silent]);
    const giving = new AbortController();
    const request = code(pair.dialer.request(PROTOCOLS.messages, ping, { signal: giving.signal }));
    await pair.carry();
    giving.abort();
    expect(await request).toBe("stream-reset");
    await pair.carry();
    expect(pair.listener.openSubstreams).toBe(0);
  });
});
