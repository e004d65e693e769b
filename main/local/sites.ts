/**
 * The sites of the practice network in one process: the decoy whose handshake the exits borrow, and "what is my city", which
 * knows a city by the address that its traffic leaves from. It also keeps the other processes' logs short.
 */
import { readdirSync, statSync, truncateSync } from "node:fs";
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createSecureServer } from "node:http2";
import type { Server } from "node:net";
import { join } from "node:path";

import { localError } from "./errors.ts";
import { readSites, type LocalDirectory, type Sites } from "./record.ts";

export const DECOY_NAME = "www.decoy.example";
/** Only the exits know it: what this machine's own addresses are called is reached past a tunnel. */
export const SITE_NAME = "my-city.montana.example";

const LOG_BYTES_MAX = 4_194_304;
const LOG_CHECK_MS = 30_000;

/** Until `signal` is aborted. `onReady` when both answer. Throws "local-part-failed". */
export async function runSites(directory: LocalDirectory, signal: AbortSignal, onReady: () => void): Promise<void> {
  const { decoyPort, sitePort, certificate, key } = readSites(directory.sites);
  const decoy = createSecureServer({ key, cert: certificate, minVersion: "TLSv1.3", allowHTTP1: true }, (_, response) =>
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(DECOY_PAGE),
  );
  const site = createHttpServer((request, response) => answer(readSites(directory.sites), request, response));
  await Promise.all([listen(decoy, decoyPort), listen(site, sitePort)]);
  const timer = setInterval(() => trimLogs(directory.logs), LOG_CHECK_MS);
  onReady();
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
  clearInterval(timer);
  site.closeAllConnections();
  for (const server of [decoy, site]) server.close();
}

function answer({ cities }: Sites, { socket, url = "/", headers }: IncomingMessage, response: ServerResponse): void {
  const path = url.split("?", 1)[0];
  const from = (socket.remoteAddress ?? "").replace(/^::ffff:/, "");
  const city = cities.find(({ address }) => address === from);
  if (path === "/204") response.writeHead(204).end();
  else if (path === "/city.json") {
    response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
    response.end(`${JSON.stringify(city === undefined ? null : { code: city.code, name: city.name })}\n`);
  } else if (path === "/") {
    const isRussian = headers["accept-language"]?.startsWith("ru") === true;
    response.writeHead(200, { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" });
    response.end(pageOf(city, isRussian));
  } else response.writeHead(404).end();
}

/** Names come from the gazetteer, which has no signs that mean anything in HTML. */
function pageOf(city: Sites["cities"][number] | undefined, isRussian: boolean): string {
  const [title, none] = isRussian
    ? ["Мой город", "Вы пришли не через город учебной сети."]
    : ["My city", "You came through no city of the practice network."];
  const text = city === undefined ? none : isRussian ? city.name.ru : city.name.en;
  return `<!doctype html><html lang="${isRussian ? "ru" : "en"}"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><body style="font: 2rem system-ui; display: grid; place-content: center; min-height: 90vh"><p>${text}</p></body></html>\n`;
}

const DECOY_PAGE =
  '<!doctype html><html lang="en"><meta charset="utf-8"><title>Decoy</title><p>An ordinary site of the practice network.</p></html>\n';

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => {
      const reason = (error as NodeJS.ErrnoException).code ?? "unknown";
      reject(localError("local-part-failed", { part: "sites", reason: `${reason} on port ${port}`, log: "-" }));
    };
    server.once("error", onError);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", onError);
      resolve();
    });
  });
}

/** Their writers append, so that what they write next begins at the start. */
function trimLogs(folder: string): void {
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    if (statSync(file).size > LOG_BYTES_MAX) truncateSync(file, 0);
  }
}
