/**
 * Run in a network namespace: a site that is near, then the same one far away, for each packet that opens a connection has to
 * wait for the one before. Prints what came of checking it.
 */
import { execFileSync } from "node:child_process";
import type { AddressInfo } from "node:net";
import { createServer } from "node:tls";

import type { ProtocolError } from "../../protocol/errors.ts";
import { makeCertificate } from "../../xray/certificate.ts";
import { checkDecoy } from "./decoyCheck.ts";

const NAME = "www.site.example";
/** Two such packets, there and back, take more than 300 ms. */
const SLOW = "3kbit";

const { certificate, key } = makeCertificate(NAME);
const server = createServer({ cert: certificate, key, minVersion: "TLSv1.3", ALPNProtocols: ["h2", "http/1.1"] });
server.on("secureConnection", (socket) => {
  socket.on("error", () => undefined);
  socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = server.address() as AddressInfo;
const site = { name: NAME, host: "127.0.0.1", port, certificate };

const check = () =>
  checkDecoy(site).then(
    () => ({ code: "fits" }),
    (error: unknown) => {
      const { code, params } = error as ProtocolError;
      return { code, params };
    },
  );
const tc = (words: string): void => void execFileSync("tc", words.split(" "));

const near = await check();
tc("qdisc add dev lo root handle 1: htb");
tc(`class add dev lo parent 1: classid 1:1 htb rate ${SLOW} burst 1 cburst 1 quantum 1500`);
// The packets of TCP with the flag SYN, behind an IP header of 20 bytes.
tc("filter add dev lo parent 1: protocol ip prio 1 u32 match u8 0x02 0x02 at 33 flowid 1:1");
const far = await check();
process.stdout.write(JSON.stringify({ near, far }));
server.close();
