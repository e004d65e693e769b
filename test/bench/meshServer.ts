/** A server in a process of its own: `node meshServer.ts own|limited|bare PUBLIC_DIRECTORY`; tells its port to its parent. */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { ALLOWANCE } from "../../main/mesh/subscriptions/allowance.ts";
import { startPublicServer } from "../../main/mesh/subscriptions/server.ts";

const [kind, directory = ""] = process.argv.slice(2);

async function start(): Promise<number> {
  if (kind === "bare") {
    const body = readFileSync(join(directory, "vpn", "sub"));
    const server = createServer((_, response) => {
      response.writeHead(200, { "content-type": "text/plain; charset=utf-8", "content-length": body.length });
      response.end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  }
  const allowance = kind === "limited" ? ALLOWANCE : undefined;
  const server = await startPublicServer({
    ...{ publicDirectory: directory, profile: { title: "Montana" }, host: "127.0.0.1", port: 0, allowance },
    onTrouble: (error) => {
      throw error;
    },
  });
  return server.port;
}

process.on("disconnect", () => process.exit());
process.send!(await start());
