/** A subscription server on loopback that answers as it is told, and links that are valid and lead nowhere. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

import { buildShareLink } from "../../cities/shareLink.ts";

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Never ends its answer. */
  readonly hangs?: boolean;
}

export interface SubscriptionServer {
  readonly url: string;
  readonly port: number;
  readonly requests: readonly { readonly path: string; readonly headers: IncomingHttpHeaders }[];
  reply: (path: string, headers: IncomingHttpHeaders) => Reply;
  close(): void;
}

export async function startSubscriptionServer(): Promise<SubscriptionServer> {
  const requests: { path: string; headers: IncomingHttpHeaders }[] = [];
  const server = createServer((request, response) => {
    requests.push({ path: request.url!, headers: request.headers });
    const { status, headers = {}, body, hangs = false } = fixture.reply(request.url!, request.headers);
    response.writeHead(status, headers);
    if (hangs) response.write(body ?? "");
    else response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const fixture: SubscriptionServer = {
    url: `http://127.0.0.1:${port}/vpn/sub`,
    port,
    requests,
    reply: () => ({ status: 404 }),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return fixture;
}

/** An entry of the city `code`, or of none, with the `n`-th key. */
export function linkFor(code: string | undefined, n: number, host = `192.0.2.${n}`): string {
  return buildShareLink({
    uuid: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
    host,
    port: 443,
    sni: "www.example",
    pbk: Buffer.alloc(32, n).toString("base64url"),
    sid: "0011223344556677",
    label: code === undefined ? `Exit ${n}` : `Montana ${code.toUpperCase()}`,
  });
}
