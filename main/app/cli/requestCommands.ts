/** Account requests: what a receiver without an account gives to a sender, as a text, a file or QR codes. */
import { call } from "../../api/client.ts";
import { apiError } from "../../api/errors.ts";
import { keystoreContext } from "../../keystore/context.ts";
import { inspectIdentity } from "../../keystore/identityStore.ts";
import { loadCrypto } from "../../native/index.ts";
import { accountRequestOf, requestLink } from "../../wallet/accountRequest.ts";
import { formatAmount, parseAmount } from "../../wallet/amounts.ts";
import { requestPictures } from "../../wallet/pictures.ts";
import type { Call, Command, Result } from "./command.ts";
import { readText, writeNew } from "./files.ts";
import { svgPage, terminalCode } from "./qrCodes.ts";

export const REQUEST_SUFFIX = ".montana-request";

export const request: Command = {
  name: "request",
  summary: "ask for an account: a file or QR codes that the sender of its first money opens",
  arguments: [
    { name: "ACTION", choices: ["create", "open"] },
    { name: "FILE", isOptional: true },
  ],
  options: {
    amount: { type: "string", value: "AMOUNT", summary: "create: how much to ask for, in Ɉ" },
    note: { type: "string", value: "TEXT", summary: "create: words for the sender's eyes, at most 280 bytes" },
    qr: { type: "boolean", summary: "create: show it as QR codes in the terminal" },
    svg: { type: "string", value: "FILE", summary: "create: write the QR codes as one picture" },
  },
  detail:
    `A file's name ends in ${REQUEST_SUFFIX}, so that send knows it. Without a file, create prints the request. It is too ` +
    "large for one QR code: the sender scans all of a series, in any order, and opens a file with what was read, a code a line.",
  run: (called) => (called.arguments[0] === "create" ? createRequest(called) : openRequest(called)),
};

/** Of the identity alone: neither a host nor a network is needed. */
async function createRequest({ arguments: [, file], options, directory }: Call): Promise<Result> {
  const amount = options.text("amount");
  const note = options.text("note");
  const { crypto } = loadCrypto();
  const { accountPublicKey } = await inspectIdentity(keystoreContext({ directory: directory.identity, crypto }));
  const wishes = { ...(amount && { amount: parseAmount(amount) }), ...(note && { note }) };
  const made = accountRequestOf(crypto, accountPublicKey, wishes);
  const request = requestLink(crypto, made);
  const pictures = requestPictures(crypto, made);
  const lines: string[] = [];
  const files: { file?: string; svg?: string } = {};
  if (file !== undefined) {
    files.file = file.endsWith(REQUEST_SUFFIX) ? file : file + REQUEST_SUFFIX;
    await writeNew(files.file, request);
  }
  const svg = options.text("svg");
  if (svg !== undefined) {
    files.svg = svg;
    await writeNew(svg, svgPage(pictures));
  }
  for (const written of Object.values(files)) lines.push(`Written to ${written}: give it to who sends you money.`);
  if (options.flag("qr"))
    lines.push(...pictures.map((text, i) => `\n${i + 1} of ${pictures.length}\n${terminalCode(text)}`));
  return { json: { request, pictures, ...files }, text: lines.length === 0 ? request : lines.join("\n") };
}

async function openRequest({ arguments: [, file], connectStored }: Call): Promise<Result> {
  if (file === undefined) throw apiError("usage", { reason: "Which file is to be opened?", command: "request" });
  const opened = await call((await connectStored()).openRequest.query({ request: await readRequestFile(file) }));
  const lines = [`address  ${opened.address}`, `account  ${opened.exists ? "exists" : "is not there yet"}`];
  if (opened.amount !== null) lines.push(`amount   ${formatAmount(BigInt(opened.amount))}`);
  if (opened.note !== null) lines.push(`note     ${opened.note}`);
  return { json: opened, text: lines.join("\n") };
}

/** The text that the host takes as a request; a longer file is none. Throws "file-unreadable", "request-malformed". */
export async function readRequestFile(file: string): Promise<string> {
  const text = (await readText(file)).trim();
  if (text === "" || text.length > REQUEST_LENGTH_MAX) {
    throw apiError("request-malformed", { reason: "size", bytes: text.length });
  }
  return text;
}

/** As the contract has it. */
const REQUEST_LENGTH_MAX = 8192;
