/**
 * What tells a data directory from a copy of it: hashes of the machine's own number and of the directory's place on its
 * disk. The same node key on two machines would sign twice, so a copy has to keep quiet for a while. A clone of the whole
 * disk, number included, cannot be told from the original here: the node has to watch for its own signatures as well.
 */
import { execFile } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { promisify } from "node:util";

import { ascii, concatBytes, equalBytes, isAllZero, ZERO_HASH, type Hash32 } from "../protocol/bytes.ts";
import type { Crypto } from "../protocol/crypto.ts";

export interface MachineMarks {
  readonly machineMark: Hash32;
  readonly directoryMark: Hash32;
}

/** All zero where the system has nothing to tell. `salt` keeps the marks of two identities from being compared. */
export async function readMachineMarks(crypto: Crypto, salt: Uint8Array, directory: string): Promise<MachineMarks> {
  const mark = (kind: string, text: string | undefined): Hash32 =>
    text === undefined
      ? ZERO_HASH
      : crypto.sha256(concatBytes(ascii(`montana-desktop ${kind} mark\0`), salt, ascii(text)));
  return {
    machineMark: mark("machine", await readMachineNumber()),
    directoryMark: mark("directory", await readDirectoryPlace(directory)),
  };
}

/** Which marks differ; one that is unknown on either side does not. */
export function findChangedMarks(stored: MachineMarks, found: MachineMarks): ("machine" | "directory")[] {
  const differ = (a: Hash32, b: Hash32): boolean => !isAllZero(a) && !isAllZero(b) && !equalBytes(a, b);
  return [
    ...(differ(stored.machineMark, found.machineMark) ? (["machine"] as const) : []),
    ...(differ(stored.directoryMark, found.directoryMark) ? (["directory"] as const) : []),
  ];
}

/** A directory keeps its number and birth when it is moved on its disk, and has others when it is copied or unpacked. */
async function readDirectoryPlace(directory: string): Promise<string> {
  const { ino, birthtimeNs } = await stat(directory, { bigint: true });
  return `${String(ino)} ${String(birthtimeNs)}`;
}

const READ_TIMEOUT_MS = 5000;
const NUMBER = /^[0-9A-Fa-f-]{16,64}$/;

async function readMachineNumber(): Promise<string | undefined> {
  try {
    const number = (await machineNumberText()).trim();
    return NUMBER.test(number) ? number.toLowerCase() : undefined;
  } catch {
    // Containers have none, and a mark that is not there marks nothing.
    return undefined;
  }
}

async function machineNumberText(): Promise<string> {
  if (process.platform === "darwin") {
    const properties = await output("ioreg", "-rd1", "-c", "IOPlatformExpertDevice");
    return /"IOPlatformUUID" = "([^"]+)"/.exec(properties)?.[1] ?? "";
  }
  if (process.platform === "win32") {
    const key = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Cryptography";
    return /MachineGuid\s+REG_SZ\s+(\S+)/.exec(await output("reg", "query", key, "/v", "MachineGuid"))?.[1] ?? "";
  }
  return readFile("/etc/machine-id", "latin1");
}

async function output(command: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { timeout: READ_TIMEOUT_MS, windowsHide: true });
  return stdout;
}
