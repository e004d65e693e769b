/** Ports of this machine that nobody listens on. */
import { createServer, type AddressInfo, type Server } from "node:net";

/** These where they are free, in their order, and others in the place of those that are not; 0 asks for any. */
export async function freePorts(wanted: readonly number[]): Promise<readonly number[]> {
  const held: Server[] = [];
  try {
    const ports: number[] = [];
    for (const port of wanted) {
      const server = (await listen(port)) ?? (await listen(0));
      if (server === undefined) throw new Error("no port is free");
      held.push(server);
      ports.push((server.address() as AddressInfo).port);
    }
    return ports;
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

function listen(port: number): Promise<Server | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}
