/** Commands about money and anchors. */
import { call } from "../../api/client.ts";
import type { HistoryEntry, Output } from "../../api/contract.ts";
import { apiError } from "../../api/errors.ts";
import { loadCrypto } from "../../native/index.ts";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { appIdOf } from "../../protocol/identity/ids.ts";
import { formatAmount, parseAmount } from "../../wallet/amounts.ts";
import type { Call, Command, Result } from "./command.ts";
import { EXIT } from "./exitCodes.ts";
import { readBytes, readText, writeNew } from "./files.ts";
import { withAccount } from "./identityCommands.ts";
import { readRequestFile, REQUEST_SUFFIX } from "./requestCommands.ts";

/** A document whose hash is anchored is read at once. */
const DOCUMENT_BYTES_MAX = 1_073_741_824;

export const balance: Command = {
  name: "balance",
  summary: "what you have, and where it lies",
  arguments: [],
  options: {},
  async run({ connectStored }) {
    const known = await call((await connectStored()).balance.query());
    const lines = [
      `total      ${formatAmount(BigInt(known.total))}`,
      `available  ${formatAmount(BigInt(known.available))}`,
      ...known.accounts.map((part) => `${part.role.padEnd(9)}  ${formatAmount(BigInt(part.balance))}  ${part.address}`),
    ];
    return { json: known, text: lines.join("\n") };
  },
};

export const history: Command = {
  name: "history",
  summary: "what came and went, newest first",
  arguments: [],
  options: {
    limit: { type: "string", value: "N", summary: "entries, at most 200; 50 unless given" },
    before: { type: "string", value: "TEXT", summary: "go on after this entry's id" },
  },
  async run({ connectStored, options }) {
    const before = options.text("before");
    const limit = readCount(options.text("limit"), "history");
    const page = await call(
      (await connectStored()).history.query({ ...(before && { before }), ...(limit === undefined ? {} : { limit }) }),
    );
    const lines = page.entries.map(describeEntry);
    if (page.hasMore) lines.push(`more with --before ${page.entries.at(-1)?.id ?? ""}`);
    return { json: page, text: lines.length === 0 ? "Nothing yet." : lines.join("\n") };
  },
};

function describeEntry({ id, window, kind, direction, state, reason, amount, counterparty }: HistoryEntry): string {
  const sign = { in: "+", out: "-", self: " " }[direction];
  const money = amount === null ? "" : `${sign}${formatAmount(BigInt(amount))}`;
  const shown = [window === null ? "-" : String(window), kind, state, money, counterparty ?? ""].join("  ").trimEnd();
  // What can still be cancelled or sent again is named by its id.
  const isOpen = direction !== "in" && state !== "settled";
  const why = reason === null || reason === state ? "" : `  ${reason}`;
  return isOpen ? `${shown}${why}\n  id ${id}` : shown;
}

export const send: Command = {
  name: "send",
  summary: "send money to an account, or to who sent you a request",
  arguments: [{ name: "TO" }, { name: "AMOUNT", isOptional: true }],
  options: {
    from: { type: "string", choices: ["account", "node"], summary: "which of your accounts pays" },
    order: { type: "string", value: "TEXT", summary: "a name for this payment: given again, it is not paid again" },
  },
  detail:
    "TO is an address, or the file of an account request, whose amount counts where none is given. AMOUNT is in Ɉ, as 13 " +
    "or 0.5. Asks for the passphrase where the account is locked.",
  async run(called) {
    const [to = "", amountText] = called.arguments;
    const from = called.options.text("from") as "account" | "node" | undefined;
    const request = to.endsWith(REQUEST_SUFFIX) ? await readRequestFile(to) : undefined;
    const client = await called.connect();
    const wanted = request === undefined ? null : (await call(client.openRequest.query({ request }))).amount;
    const amount = amountText === undefined ? wanted : readAmount(amountText);
    if (amount === null) throw apiError("usage", { reason: "An amount is needed", command: "send" });
    const receiver = request === undefined ? { to } : { request };
    const order = called.options.text("order");
    const sent = await withAccount(called, () =>
      call(client.send.mutate({ ...receiver, amount, ...(from && { from }), ...(order && { order }) })),
    );
    return { json: sent, text: `${formatAmount(BigInt(amount))}: ${sent.state}. See montana history.\nid ${sent.id}` };
  },
};

export const anchor: Command = {
  name: "anchor",
  summary: "write, read and verify anchors of documents",
  arguments: [
    { name: "ACTION", choices: ["write", "read", "verify"] },
    { name: "FILE", isOptional: true },
  ],
  options: {
    app: { type: "string", value: "NAME", summary: "the application: its name, or its id of 64 hex digits" },
    hash: { type: "string", value: "HEX", summary: "the hash of the document instead of the document" },
    proof: {
      type: "string",
      value: "FILE",
      summary: "read: write the proof of the newest one there; verify: the proof",
    },
    limit: { type: "string", value: "N", summary: "read: how many, newest first" },
  },
  detail:
    "The document is hashed with SHA-256. verify tells whether a proof is valid and, with FILE, of that document.",
  async run(called) {
    const action = called.arguments[0] as "write" | "read" | "verify";
    return { write: writeAnchor, read: readAnchors, verify: verifyAnchor }[action](called);
  },
};

async function writeAnchor(called: Call): Promise<Result> {
  const dataHash = await documentHash(called);
  if (dataHash === undefined) throw apiError("usage", { reason: "Give a file or --hash", command: "anchor" });
  const anchor = { appId: readAppId(called), dataHash };
  const client = await called.connect();
  const written = await withAccount(called, () => call(client.writeAnchor.mutate(anchor)));
  return { json: { ...written, ...anchor }, text: `Anchor of ${dataHash}: ${written.state}.` };
}

async function readAnchors(called: Call): Promise<Result> {
  const dataHash = await documentHash(called);
  const limit = readCount(called.options.text("limit"), "anchor");
  const found = await call(
    (await called.connectStored()).readAnchors.query({
      appId: readAppId(called),
      ...(dataHash && { dataHash }),
      ...(limit === undefined ? {} : { limit }),
    }),
  );
  const proofFile = called.options.text("proof");
  const proof = found.anchors[0]?.proof;
  if (proofFile !== undefined && proof != null) await writeNew(proofFile, `${proof}\n`);
  const lines = found.anchors.map(({ window, dataHash: hash, sender }) => `${window}  ${hash}  ${sender}`);
  return { json: found, text: lines.length === 0 ? "No anchors." : lines.join("\n") };
}

async function verifyAnchor(called: Call): Promise<Result> {
  const file = called.options.text("proof");
  if (file === undefined) throw apiError("usage", { reason: "Give --proof", command: "anchor" });
  const proof = (await readText(file)).trim();
  const verdict = await call((await called.connectStored()).verifyAnchor.query({ proof }));
  const dataHash = await documentHash(called);
  const checked = dataHash === undefined || verdict.dataHash === dataHash ? verdict : { ...verdict, ...OTHER_DOCUMENT };
  return { json: checked, text: describeVerdict(checked), exitCode: checked.isValid ? EXIT.ok : EXIT.failed };
}

const OTHER_DOCUMENT = { isValid: false, reason: "the proof is of another document" };

function describeVerdict({ isValid, reason, window, dataHash, sender }: Output<"verifyAnchor">): string {
  if (!isValid) return `Not valid: ${reason ?? "unknown"}.`;
  return `Valid: ${dataHash} was anchored by ${sender} in window ${window}.`;
}

function readAppId({ options }: Call): string {
  const app = options.text("app");
  if (app === undefined || app === "") throw apiError("usage", { reason: "Give --app", command: "anchor" });
  if (/^[0-9a-f]{64}$/.test(app)) return app;
  if (!/^[\x20-\x7e]{1,64}$/.test(app)) {
    throw apiError("usage", { reason: "--app takes up to 64 ASCII characters", command: "anchor" });
  }
  return toHex(appIdOf(loadCrypto().crypto, app));
}

async function documentHash({ arguments: [, file], options }: Call): Promise<string | undefined> {
  const text = options.text("hash");
  if (text !== undefined) {
    if (fromHex(text)?.length !== 32) {
      throw apiError("usage", { reason: "--hash takes 64 hex digits", command: "anchor" });
    }
    return text.toLowerCase();
  }
  if (file === undefined) return undefined;
  return toHex(loadCrypto().crypto.sha256(await readBytes(file, DOCUMENT_BYTES_MAX)));
}

/** Decimal nɈ of what a person wrote. Throws `ProtocolError("amount-invalid")`. */
function readAmount(text: string): string {
  return parseAmount(text).toString();
}

function readCount(text: string | undefined, command: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw apiError("usage", { reason: `--limit takes a number, not ${text}`, command });
  return Number(text);
}
