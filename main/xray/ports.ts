/** Local ports (chapter 08 §10.10). */
import { createServer, type AddressInfo } from "node:net";

import type { EngineConfig } from "./config/engineConfig.ts";
import { engineError } from "./errors.ts";

/** `api` on Windows only: elsewhere the engine's interface is a socket. */
export const PREFERRED_PORTS = { mixed: 10_808, api: 10_809 } as const;

export interface ChosenPort {
  readonly port: number;
  /** False: another program has the preferred one, or the system does not allow it. Remember the other one. */
  readonly isPreferred: boolean;
}

/**
 * The preferred port of 127.0.0.1 when it is free now, else one that the system gives. Somebody may take it before the engine
 * does: its start then fails with `port-in-use`.
 */
export async function choosePort(preferred: number = PREFERRED_PORTS.mixed): Promise<ChosenPort> {
  const free = await tryPort(preferred);
  if (free !== undefined) return { port: free, isPreferred: true };
  const other = await tryPort(0);
  if (other === undefined) throw new Error("the system gives no local port");
  return { port: other, isPreferred: false };
}

/**
 * Throws `port-in-use` for an inbound whose port another program has. The engine itself would not always say so: it shares a
 * port with any other program of the same user that is as generous (SO_REUSEPORT), another engine first of all.
 */
export async function requireFreePorts({ inbounds }: EngineConfig): Promise<void> {
  for (const { listen, port } of inbounds) {
    if (!port || listen === undefined || listen.startsWith("/")) continue;
    if ((await listenBriefly(listen, port)) === "EADDRINUSE") throw engineError("port-in-use", { port });
  }
}

async function tryPort(port: number): Promise<number | undefined> {
  const taken = await listenBriefly("127.0.0.1", port);
  return typeof taken === "number" ? taken : undefined;
}

/** The port, or the code of the error. */
function listenBriefly(host: string, port: number): Promise<number | string> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "unknown"));
    server.listen({ host, port, exclusive: true }, () => {
      const { port: taken } = server.address() as AddressInfo;
      server.close(() => resolve(taken));
    });
  });
}
