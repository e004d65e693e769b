/** Dialing and listening on real sockets of 127.0.0.1, with peers that are rude in every way. */
import { randomBytes } from "node:crypto";
import { createServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { ascii, concatBytes } from "../../protocol/bytes.ts";
import { formatPeerId, peerIdOf } from "../../protocol/identity/peerId.ts";
import { PROTOCOLS, type Connection } from "../ports.ts";
import {
  answering,
  connectRaw,
  crypto,
  dialTo,
  echo,
  identityOf,
  ping,
  startListening,
  type Listening,
} from "./connecting.fixture.ts";
import { DialerNegotiation } from "./multistream.ts";
import { SECURITY_PROTOCOL, Upgrade, type Upgraded } from "./upgrade.ts";
import { encodeHeader, FLAG, TYPE, type FrameType } from "./yamux/frame.ts";

const started: Listening[] = [];
async function start(...options: Parameters<typeof startListening>): Promise<Listening> {
  const listening = await startListening(...options);
  started.push(listening);
  return listening;
}

afterEach(async () => {
  for (const { listener, accepted } of started.splice(0)) {
    listener.close();
    for (const connection of accepted) connection.close("test over");
    await Promise.all(accepted.map(({ closed }) => closed));
  }
});

const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "fine",
    (error: unknown) => (error as { code: string }).code,
  );
const textOf = (number: number): string => formatPeerId(peerIdOf(crypto, identityOf(number).publicKey));

describe("two peers", () => {
  test("know each other and answer each other's requests on one connection", async () => {
    const listening = await start();
    const dialed = await dialTo(listening);
    const [accepted] = listening.accepted;
    expect([dialed.peerId, dialed.isDialer, dialed.remote]).toEqual([textOf(1), true, listening.listener.address]);
    expect([accepted!.peerId, accepted!.isDialer]).toEqual([textOf(2), false]);
    const there = echo(new Uint8Array(1_000_000).fill(1));
    const back = echo(new Uint8Array(1_000_000).fill(2));
    const replies = await Promise.all([
      dialed.request(PROTOCOLS.messages, there),
      accepted!.request(PROTOCOLS.messages, back),
    ]);
    expect(replies).toEqual([there, back]);
    dialed.close("enough");
    expect(await dialed.closed).toBe("enough");
    expect(await accepted!.closed).toBe("ended by the other side");
    expect(await code(accepted!.request(PROTOCOLS.messages, ping))).toBe("connection-closed");
  });

  test("fail what is under way when the connection ends", async () => {
    const silent = { ...answering, serve: () => new Promise<undefined>(() => undefined) };
    const listening = await start({ served: [silent] });
    const dialed = await dialTo(listening);
    const request = code(dialed.request(PROTOCOLS.messages, ping));
    listening.accepted[0]!.close("leaving");
    expect(await request).toBe("connection-closed");
    await dialed.closed;
  });

  test("end a connection on which nothing happens", async () => {
    const listening = await start({ idleTimeoutMs: 40 });
    const dialed = await dialTo(listening);
    expect(await listening.accepted[0]!.closed).toBe("idle");
    await dialed.closed;
  });

  test("connect and part a hundred times without a handle left behind", async () => {
    const listening = await start();
    const handles = (): number => process.getActiveResourcesInfo().filter((name) => /TCP|Timeout/.test(name)).length;
    const once = async (): Promise<void> => {
      const dialed = await dialTo(listening);
      await dialed.request(PROTOCOLS.messages, ping);
      dialed.close("again");
      await dialed.closed;
      await listening.accepted.pop()!.closed;
    };
    await once();
    const before = handles();
    for (let i = 0; i < 100; i++) await once();
    expect(handles()).toBeLessThanOrEqual(before);
  });
});

describe("a dialer", () => {
  test("refuses a peer that is not the expected one, and itself, before it shows its own key", async () => {
    const listening = await start();
    expect(await code(dialTo(listening, { expectedPeer: textOf(3) }))).toBe("wrong-peer");
    expect(await code(dialTo(listening, { identity: identityOf(1) }))).toBe("wrong-peer");
    expect(await code(dialTo(listening, { expectedPeer: textOf(1) }).then((connection) => connection.close("")))).toBe(
      "fine",
    );
    await listening.refusedTimes(2);
    // No third message came.
    expect(listening.refused).toEqual(["bad-message-size", "bad-message-size"]);
  });

  test("says why it could not connect", async () => {
    const listening = await start();
    listening.listener.close();
    expect(await code(dialTo(listening))).toBe("connect-failed");
    expect(await code(dialTo(listening, { address: "/dns4/example.org/tcp/1" }))).toBe("invalid-multiaddr");
    expect(await code(dialTo(listening, { signal: AbortSignal.abort() }))).toBe("upgrade-aborted");
  });

  test("gives up on a listener that accepts and says nothing", async () => {
    const mute = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
    const { port } = mute.address() as { port: number };
    const listening = await start();
    const address = `/ip4/127.0.0.1/tcp/${port}`;
    expect(await code(dialTo(listening, { address, upgradeTimeoutMs: 50 }))).toBe("upgrade-timeout");
    await new Promise((resolve) => mute.close(resolve));
  });
});

describe("a listener", () => {
  test("closes on garbage, on a cut within the handshake, and on silence", async () => {
    const listening = await start({ upgradeTimeoutMs: 100, handshakesPerAddressMax: 10 });
    const garbage = await connectRaw(listening.listener.address);
    garbage.socket.write(new Uint8Array(100_000).fill(0xee));
    await garbage.closed;
    const cut = await connectRaw(listening.listener.address);
    cut.socket.write(new DialerNegotiation(SECURITY_PROTOCOL).opening);
    cut.socket.end(new Uint8Array(500));
    await cut.closed;
    const silent = await connectRaw(listening.listener.address);
    await silent.closed;
    expect(listening.refused).toEqual(["multistream-violation", "bad-message-size", "upgrade-timeout"]);
  });

  test("does not wait longer for a peer that drips its handshake", async () => {
    const listening = await start({ upgradeTimeoutMs: 150 });
    const { socket, closed } = await connectRaw(listening.listener.address);
    socket.write(new DialerNegotiation(SECURITY_PROTOCOL).opening);
    const drip = setInterval(() => socket.write(new Uint8Array([1])), 10);
    await closed;
    clearInterval(drip);
    expect(listening.refused).toEqual(["upgrade-timeout"]);
  });

  test("lets few unfinished handshakes of one address be, and takes new ones once they have ended", async () => {
    const listening = await start({ handshakesPerAddressMax: 2, upgradeTimeoutMs: 5000 });
    const first = await connectRaw(listening.listener.address);
    const second = await connectRaw(listening.listener.address);
    const third = await connectRaw(listening.listener.address);
    await third.closed;
    expect(listening.refused).toEqual(["too-many-handshakes"]);
    first.socket.destroy();
    second.socket.destroy();
    await listening.refusedTimes(3);
    expect(await code(dialTo(listening).then((connection) => connection.close("")))).toBe("fine");
  });

  test("has a bound on unfinished handshakes in all", async () => {
    const listening = await start({ handshakesMax: 1, upgradeTimeoutMs: 5000 });
    const first = await connectRaw(listening.listener.address);
    const second = await connectRaw(listening.listener.address);
    await second.closed;
    expect(listening.refused).toEqual(["too-many-handshakes"]);
    first.socket.destroy();
    await listening.refusedTimes(2);
  });

  test("computes nothing for an address that is not admitted", async () => {
    const asked: string[] = [];
    const listening = await start({ admit: (host) => asked.push(host) > 1 });
    const { closed } = await connectRaw(listening.listener.address);
    await closed;
    expect([asked, listening.refused]).toEqual([["127.0.0.1"], ["not-admitted"]]);
    expect(await code(dialTo(listening).then((connection) => connection.close("")))).toBe("fine");
  });

  test("drops unfinished handshakes when it closes, and keeps connections", async () => {
    const listening = await start({ upgradeTimeoutMs: 5000 });
    const dialed = await dialTo(listening);
    const { socket, closed } = await connectRaw(listening.listener.address);
    socket.write(ascii("x"));
    listening.listener.close();
    await closed;
    expect(await code(dialed.request(PROTOCOLS.messages, ping))).toBe("fine");
    dialed.close("done");
  });
});

describe("an established connection", () => {
  /** The dialer's side of the upgrade on a bare socket, to say what no honest side says. */
  async function upgradeRaw(listening: Listening) {
    const { socket, closed } = await connectRaw(listening.listener.address);
    const { promise, resolve } = Promise.withResolvers<Upgraded>();
    const upgrade = new Upgrade(true, {
      crypto,
      identity: identityOf(2),
      randomness: { ephemeralSeed: randomBytes(64), encapsulation: randomBytes(32) },
      check: () => undefined,
      send: (bytes) => socket.write(bytes),
    });
    upgrade.receive(new Uint8Array(0));
    const receive = (bytes: Buffer): void => {
      const upgraded = upgrade.receive(bytes);
      if (upgraded === undefined) return;
      socket.off("data", receive).resume();
      resolve(upgraded);
    };
    socket.on("data", receive);
    const { sealer } = await promise;
    return { socket, closed, seal: (bytes: Uint8Array) => concatBytes(...sealer.seal(bytes)) };
  }

  const frame = (type: FrameType, flags: number, stream: number, length: number): Uint8Array =>
    encodeHeader({ type, flags, stream, length });
  const sealed = (bytes: Uint8Array) => (seal: (plaintext: Uint8Array) => Uint8Array) => seal(bytes);

  test.each([
    ["ciphertext that is none", () => new Uint8Array(18).fill(16, 1, 2), "aead-decrypt-failed"],
    ["a frame too short for its tag", () => new Uint8Array([0, 15]), "frame-length-invalid"],
    ["a body of more than 1 MiB", sealed(frame(TYPE.data, FLAG.syn, 1, 1_048_577)), "yamux-violation"],
    ["a frame of no known type", sealed(new Uint8Array(12).fill(9)), "yamux-violation"],
    ["a GoAway", sealed(frame(TYPE.goAway, 0, 0, 1)), "closed"],
    ["a pong that nobody asked for", sealed(frame(TYPE.ping, FLAG.ack, 0, 1)), "go-away-1: unasked pong"],
    [
      "a body beyond the window",
      sealed(frame(TYPE.data, FLAG.syn, 1, 262_145)),
      "go-away-1: first body above the window",
    ],
  ])("ends on %s", async (_name, bytes, cause) => {
    const listening = await start();
    const { socket, closed, seal } = await upgradeRaw(listening);
    socket.write(bytes(seal));
    expect(await listening.accepted[0]!.closed).toBe(cause);
    await closed;
  });

  test("tells an end within a frame from one between frames", async () => {
    const listening = await start();
    for (const [cut, cause] of [
      [5, "unexpected-eof"],
      [0, "ended by the other side"],
    ] as const) {
      const { socket, seal } = await upgradeRaw(listening);
      socket.end(seal(new Uint8Array(12)).subarray(0, cut));
      expect(await listening.accepted.pop()!.closed).toBe(cause);
    }
  });

  test("reports a substream that came to nothing and goes on", async () => {
    const failures: string[] = [];
    const events = { substreamFailed: (_connection: Connection, failure: string) => failures.push(failure) };
    const listening = await start({ events });
    const { socket, seal } = await upgradeRaw(listening);
    const garbage = new Uint8Array(20).fill(0xff);
    socket.write(seal(concatBytes(frame(TYPE.data, FLAG.syn, 1, 20), garbage)));
    const pong = new Promise((resolve) => socket.once("data", resolve));
    socket.write(seal(frame(TYPE.ping, FLAG.syn, 0, 1)));
    await pong;
    expect(failures).toEqual(["multistream-violation"]);
    socket.destroy();
  });
});
