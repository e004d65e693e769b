/** The commands of an operator's own city, `montana exit ACTION`. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import { call, type Client } from "../../api/client.ts";
import { apiError } from "../../api/errors.ts";
import { attachIfRunning } from "../attach.ts";
import type { Call, Command, Result } from "./command.ts";
import { confirm, yes } from "./confirm.ts";
import { describeExit, describeInit } from "./exitTexts.ts";
import { codeLines, qrOptions, writePictures } from "./qrCodes.ts";

type Wish = Parameters<Client["exitInit"]["mutate"]>[0];

const HTTPS_PORT = 443;
const NONE = "none";
const GIGABYTE = 1_000_000_000;

const actions = {
  init: async (called, client) => {
    const done = await call(client.exitInit.mutate(readWish(called)));
    return { json: done, text: describeInit(done) };
  },
  status: async ({ options }, client) => {
    const status = await call(client.exitStatus.query());
    const { link } = status;
    const wantsCode = options.flag("qr") || [options.text("svg"), options.text("png")].some(Boolean);
    if (!wantsCode) return { json: status, text: describeExit(status) };
    if (link === null) throw apiError("exit-absent");
    const pictures = await writePictures(link, options);
    return { json: { ...status, ...pictures }, text: [describeExit(status), ...codeLines(link, options)].join("\n") };
  },
  rotate: async ({ options }, client) => {
    const port = readNumber("--port", options.text("port"), "a port");
    const isCutOver = options.flag("cut-over");
    if (isCutOver && port !== undefined)
      throw wrong("--cut-over takes no --port: the new key takes the place of the old one");
    const newKey = isCutOver ? ("cut-over" as const) : port === undefined ? undefined : { port };
    const overlapSeconds = readDuration("--overlap", options.text("overlap"));
    const status = await call(
      client.exitRotate.mutate({
        ...(overlapSeconds !== undefined && { overlapSeconds }),
        ...(newKey !== undefined && { newKey }),
      }),
    );
    return { json: status, text: describeExit(status) };
  },
  withdraw: async ({ options }, client) => {
    const drainSeconds = readDuration("--drain", options.text("drain"));
    const status = await call(client.exitWithdraw.mutate(drainSeconds === undefined ? {} : { drainSeconds }));
    return { json: status, text: describeExit(status) };
  },
  remove: async (called, client) => {
    await confirm(called, ["The city's keys are destroyed: links that people hold will never work again."]);
    const status = await call(client.exitRemove.mutate());
    return { json: status, text: "The city is gone: nothing is published, its keys are destroyed." };
  },
} satisfies Record<string, (called: Call, client: Client) => Promise<Result>>;

export const exit: Command = {
  name: "exit",
  summary: "run an exit city on this machine: init, status, rotate, withdraw, remove",
  arguments: [{ name: "ACTION", choices: Object.keys(actions) }],
  options: {
    city: { type: "string", value: "NAME", summary: "init: its name, in English or Russian" },
    country: { type: "string", value: "TEXT", summary: "init: two letters, where several countries have such a city" },
    code: { type: "string", value: "TEXT", summary: "init: three letters that the network knows it by" },
    node: { type: "string", value: "NAME", summary: "init: label of this node in the network" },
    host: { type: "string", value: "ADDR", summary: "init: name or address that others reach this machine at" },
    port: { type: "string", value: "N", summary: "init: to listen on (443); rotate: of a new key beside the old one" },
    listen: { type: "string", value: "ADDR", summary: "init: address to listen on (0.0.0.0; :: for IPv6 as well)" },
    decoy: {
      type: "string",
      value: "NAME",
      summary: "init: the public site whose handshake is borrowed, NAME or NAME:PORT",
    },
    primary: { type: "boolean", summary: "init: goes first in lists" },
    "relay-of": {
      type: "string",
      value: "TEXT",
      summary: "init: be a relay in front of the exit with this share link",
    },
    "monthly-gb": {
      type: "string",
      value: "N",
      summary: "init: cap of what clients send and get in a month (UTC); none ends it",
    },
    connections: { type: "string", value: "N", summary: "init: cap of open connections; none ends it" },
    "rate-mbit": {
      type: "string",
      value: "N",
      summary: "init: cap of what clients get, Mbit/s, with --device; none ends it",
    },
    device: { type: "string", value: "NAME", summary: "init: network interface of --rate-mbit, as eth0" },
    "publish-to": {
      type: "string",
      value: "DIR",
      summary: "init: folder of my-vpn.json, which the aggregator's account reads",
    },
    practice: { type: "boolean", summary: "init: on loopback, for a network of one computer" },
    "decoy-address": {
      type: "string",
      value: "ADDR",
      summary: "init --practice: where the decoy is reached, HOST:PORT",
    },
    "decoy-certificate": { type: "string", value: "FILE", summary: "init --practice: PEM to believe the decoy by" },
    "leave-from": { type: "string", value: "ADDR", summary: "init --practice: address that traffic leaves from" },
    "known-host": {
      type: "string",
      value: "TEXT",
      isRepeatable: true,
      summary: "init --practice: NAME=ADDRESS that the city knows",
    },
    overlap: {
      type: "string",
      value: "TEXT",
      summary: "rotate: how long the old account works, as 90m, 48h (its default) or 7d",
    },
    "cut-over": { type: "boolean", summary: "rotate: a new key at once; links with the old one end" },
    drain: {
      type: "string",
      value: "TEXT",
      summary: "withdraw: how long those who hold a link are still served, 24h unless given",
    },
    qr: { type: "boolean", summary: "status: show the link as a QR code" },
    ...qrOptions("status"),
    yes,
  },
  detail:
    "init checks the decoy, makes the keys and publishes; a second init changes what it names, or brings back a city that " +
    "was withdrawn. Without a running host the city is written down and runs from montana start on. rotate gives a new " +
    "account; with --port a new key, too. withdraw ends publication at once and the city after --drain. remove undoes all.",
  run: withCity((called, client) => actions[called.arguments[0] as keyof typeof actions](called, client)),
};

/** Of the running host, or of the data that it left. */
function withCity(work: (called: Call, client: Client) => Promise<Result>): Command["run"] {
  return async (called) => {
    const host = await attachIfRunning(called.directory);
    if (host !== undefined) return work(called, host.client);
    // Only here: a command that finds a host needs nothing of it.
    const { openStoredExit } = await import("../exit.ts");
    const stored = await openStoredExit(called.directory, (error) => called.say(String(error)));
    try {
      return await work(called, stored.client);
    } finally {
      await stored.close();
    }
  };
}

function readWish({ options }: Call): Wish {
  const decoy = readDecoy(options);
  const rate = readCap("--rate-mbit", options.text("rate-mbit"));
  const device = options.text("device");
  if (rate !== undefined && rate !== null && device === undefined) throw wrong("--rate-mbit needs --device");
  const gigabytes = readCap("--monthly-gb", options.text("monthly-gb"));
  const connections = readCap("--connections", options.text("connections"));
  const port = readNumber("--port", options.text("port"), "a port");
  const publishTo = options.text("publish-to");
  const texts = {
    city: "city",
    country: "country",
    code: "code",
    node: "node",
    host: "host",
    listen: "listen",
    relayOf: "relay-of",
  };
  const given = Object.entries(texts).flatMap(([field, name]) => {
    const text = options.text(name);
    return text === undefined ? [] : [[field, text] as const];
  });
  return {
    ...Object.fromEntries(given),
    ...(port !== undefined && { port }),
    ...(options.flag("primary") && { primary: true }),
    ...(decoy !== undefined && { decoy }),
    ...(gigabytes !== undefined && { monthlyBytes: gigabytes === null ? null : gigabytes * GIGABYTE }),
    ...(connections !== undefined && { connections }),
    ...(rate !== undefined && { rate: rate === null ? null : { device: device!, mbit: rate } }),
    ...(options.flag("practice") && { practice: readPractice(options) }),
    ...(publishTo !== undefined && { publishTo: resolve(publishTo) }),
  };
}

function readDecoy(options: Call["options"]): Wish["decoy"] {
  const text = options.text("decoy");
  if (text === undefined) return undefined;
  const [name, port] = splitPort("--decoy", text.toLowerCase(), HTTPS_PORT);
  const address = options.text("decoy-address");
  const certificate = options.text("decoy-certificate");
  if (!options.flag("practice")) {
    if (address !== undefined || certificate !== undefined)
      throw wrong("--decoy-address and --decoy-certificate need --practice");
    return { name, host: name, port, certificate: null };
  }
  const [host, hostPort] = address === undefined ? [name, port] : splitPort("--decoy-address", address, HTTPS_PORT);
  return { name, host, port: hostPort, certificate: certificate === undefined ? null : readPem(certificate) };
}

function readPem(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw apiError("file-unreadable", { file, errno: (error as NodeJS.ErrnoException).code ?? "unknown" });
  }
}

function readPractice(options: Call["options"]): Wish["practice"] {
  const hosts = options.texts("known-host").map((text) => {
    const [name = "", address = ""] = text.split("=");
    if (name === "" || address === "") throw wrong("--known-host takes NAME=ADDRESS");
    return { name, address };
  });
  return { leavesFrom: options.text("leave-from") ?? null, hosts };
}

const wrong = (reason: string): Error => apiError("usage", { reason, command: "exit" });

function splitPort(option: string, text: string, fallback: number): [host: string, port: number] {
  const match = /^(.*?)(?::(\d{1,5}))?$/.exec(text);
  const [, host = "", port] = match ?? [];
  if (host === "" || host.includes(":")) throw wrong(`${option} takes NAME or NAME:PORT`);
  return [host, port === undefined ? fallback : Number(port)];
}

function readNumber(option: string, text: string | undefined, what = "a number from 1 up"): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw wrong(`${option} takes ${what}, not ${text}`);
  return Number(text);
}

const readCap = (option: string, text: string | undefined): number | null | undefined =>
  text === NONE ? null : readNumber(option, text, `a number from 1 up, or ${NONE}`);

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Seconds of `90m`, `48h`, `7d`. */
function readDuration(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, number, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (number === undefined) throw wrong(`${option} takes a time as 90m, 48h or 7d, not ${text}`);
  return Number(number) * UNITS[unit]!;
}
