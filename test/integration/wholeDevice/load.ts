/**
 * What a busy machine sends, of every kind, at every moment: `node load.ts`, in the machine's namespace. Prints one line a second
 * with what was tried and what was answered.
 */
import { createSocket } from "node:dgram";
import { connect } from "node:net";

import { SITE_NAME } from "../../../main/xray/mesh.fixture.ts";
import { LAST_PORT, RESOLVER, ROUTER, SITE, SITE6 } from "./namespaces.ts";

export interface Load {
  readonly tried: number;
  readonly answered: number;
}

/** Milliseconds. */
const PERIOD = 25;
const PATIENCE = 2_000;
const OPEN_MAX = 200;

if (import.meta.main) {
  let tried = 0;
  let answered = 0;
  let open = 0;

  const byTcp = (host: string, port: number): void => {
    if (open >= OPEN_MAX) return;
    open++;
    tried++;
    const socket = connect({ host, port, timeout: PATIENCE });
    socket.on("error", () => undefined);
    socket.on("timeout", () => socket.destroy());
    socket.on("data", () => answered++);
    socket.on("close", () => open--);
    socket.write(`GET /204 HTTP/1.1\r\nHost: ${SITE_NAME}\r\nConnection: close\r\n\r\n`);
  };
  const name = Buffer.from([4, ...Buffer.from("leak"), 4, ...Buffer.from("test"), 0, 0, 1, 0, 1]);
  const question = Buffer.concat([Buffer.from([1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), name]);
  const udp = { 4: createSocket("udp4"), 6: createSocket("udp6") };
  for (const socket of Object.values(udp)) {
    socket.on("error", () => undefined);
    socket.on("message", () => answered++);
    socket.bind();
  }
  const byUdp = (family: 4 | 6, address: string, port: number): void => {
    tried++;
    udp[family].send(question, port, address, () => undefined);
  };

  const kinds: readonly (() => void)[] = [
    () => byTcp(SITE, 80),
    () => byTcp(SITE_NAME, 80),
    () => byTcp(SITE6, 80),
    () => byTcp(SITE, 853),
    () => byTcp(ROUTER, 53),
    () => byTcp(ROUTER, 853),
    () => byUdp(4, ROUTER, 53),
    () => byUdp(4, RESOLVER, 53),
    () => byUdp(4, SITE, 4_433),
    () => byUdp(6, SITE6, 53),
    () => byUdp(6, SITE6, 4_433),
  ];
  // Whoever looks at the wire asks for something to end with.
  process.stdin.on("data", () => byUdp(4, ROUTER, LAST_PORT));
  let turn = 0;
  setInterval(() => kinds[turn++ % kinds.length]!(), PERIOD);
  setInterval(() => process.stdout.write(`${JSON.stringify({ tried, answered } satisfies Load)}\n`), 1_000);
}
