/** `fetch` over a local socket: the one of Node reaches addresses only. */
import { request } from "node:http";
import { Readable } from "node:stream";

import type { Fetch } from "./client.ts";

/** For URLs of any host; the path alone matters. */
export function socketFetch(socketPath: string): Fetch {
  return (input, { method = "GET", headers = {}, body, signal } = {}) => {
    const { pathname, search } = new URL(input);
    return new Promise<Response>((resolve, reject) => {
      const options = { socketPath, path: pathname + search, method, headers: { ...headers }, agent: false as const };
      const outgoing = request({ ...options, ...(signal ? { signal } : {}) }, (incoming) => {
        const { statusCode = 500, statusMessage = "" } = incoming;
        const fields = Object.entries(incoming.headersDistinct).flatMap(([name, values = []]) =>
          values.map((value): [string, string] => [name, value]),
        );
        const response = new Response(Readable.toWeb(incoming), {
          status: statusCode,
          statusText: statusMessage,
          headers: fields,
        });
        resolve(response);
      });
      outgoing.once("error", reject);
      outgoing.end(body);
    });
  };
}
