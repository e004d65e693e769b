/**
 * What this machine's city is, in one file of the owner's: written whole before anything is done about it, so that a start
 * after a crash at any instant finds what was wanted and makes it so.
 */
import { join } from "node:path";

import { CITY_CODE } from "../../cities/cities.ts";
import { NODE_LABEL } from "../../cities/myVpn.ts";
import {
  count,
  decimal,
  displayText,
  flag,
  listOf,
  nullable,
  oneOf,
  record,
  text,
  type Shape,
} from "../../cities/shape.ts";
import { readSealed, removeSealed, writeSealed } from "../../files/sealedFile.ts";
import type { ProtocolError } from "../../protocol/errors.ts";
import { exitError } from "./errors.ts";

/** Rotations whose old accounts are still accepted. */
export const ACCOUNTS_MAX = 8;
/** Each holds an account. */
const DOORS_MAX = ACCOUNTS_MAX;
const HOSTS_MAX = 64;
const CERTIFICATE_MAX = 65_536;
const RECORD_MAX = 262_144;

const port = count;
const host = text(253);
const key = text(43, /^[A-Za-z0-9_-]{43}$/);

const readAccount = record({
  uuid: text(36, /^[0-9a-f-]{36}$/),
  shortId: text(16, /^[0-9a-f]{16}$/),
  /** Not accepted from then on; null for the published one. */
  untilUnix: nullable(count),
});

/** A port with a Reality key. */
const readDoor = record({ port, privateKey: key, publicKey: key, accounts: listOf(readAccount, ACCOUNTS_MAX) });

const readDecoy = record({
  /** The borrowed name. */
  name: host,
  /** Where it is reached: the name itself but in practice networks. */
  host,
  port,
  /** PEM that is believed besides the system's, for practice networks. */
  certificate: nullable(text(CERTIFICATE_MAX)),
});

const readPlace = record({
  code: text(3, CITY_CODE),
  node: text(32, NODE_LABEL),
  name: record({ en: displayText, ru: displayText }),
  country: text(2, /^[A-Z]{2}$/),
  region: oneOf("af", "as", "eu", "na", "oc", "sa"),
  lat: decimal,
  lon: decimal,
});

const readRecord = record({
  version: oneOf(1),
  city: readPlace,
  primary: flag,
  /** Where others reach it. */
  host,
  /** Address to listen on. */
  listen: host,
  /** Null for a relay. */
  decoy: nullable(readDecoy),
  /** The published one first; none for a relay. */
  doors: listOf(readDoor, DOORS_MAX),
  /** The exit that a relay forwards to, as its operator publishes it. */
  relay: nullable(record({ link: text(2048), port })),
  limits: record({ monthlyBytes: nullable(count), connections: nullable(count) }),
  rate: nullable(record({ device: text(15, /^[A-Za-z0-9._-]+$/), mbit: count })),
  /** Of a practice network: an exit there reaches its own host, and knows names that no resolver knows. */
  practice: nullable(
    record({ leavesFrom: nullable(host), hosts: listOf(record({ name: host, address: host }), HOSTS_MAX) }),
  ),
  /** Folder of `my-vpn.json`. */
  publishTo: text(4096),
  stage: oneOf("serving", "draining", "withdrawn", "removing"),
  /** When draining ends. */
  stageUntilUnix: nullable(count),
});

export type ExitRecord = Shape<typeof readRecord>;
export type Door = Shape<typeof readDoor>;
export type Decoy = Shape<typeof readDecoy>;
export type Place = Shape<typeof readPlace>;

const pathOf = (directory: string): string => join(directory, "exit.json");

/** Undefined where there is none. Throws "exit-record-damaged", "file-unreadable". */
export function readExitRecord(directory: string): ExitRecord | undefined {
  const path = pathOf(directory);
  const found = readSealed(path, RECORD_MAX, readRecord);
  // Never as if there were none: its keys are what people hold links to.
  if (found.kind === "corrupt") throw exitError("exit-record-damaged", { file: path });
  return found.kind === "absent" ? undefined : found.value;
}

/** Throws "exit-bad-value" for what would not be read back, "file-unwritable"; then the old one stands. */
export function writeExitRecord(directory: string, value: ExitRecord): void {
  try {
    readRecord(value, "");
  } catch (error) {
    throw exitError("exit-bad-value", { what: String((error as ProtocolError).params["at"]), value: "this" });
  }
  writeSealed(pathOf(directory), value);
}

export const removeExitRecord = (directory: string): void => removeSealed(pathOf(directory));
