/**
 * Reads one file of a node over SSH (chapter 08 §7.1): the system's own client as a child, one key for each file, the host's
 * key pinned. Nothing that a node sends is ever run or passed on; its bytes are counted before they are kept.
 */
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";

import { replaceFile } from "../../files/replaceFile.ts";
import { createDirectory } from "../../files/blocking.ts";
import { checkKeyModes, keyFileOf } from "./authorizedKeys.ts";
import { errnoOf, meshError } from "./errors.ts";
import type { Answer, FetchFault, Fetcher } from "./fetcher.ts";
import { CONNECT_TIMEOUT_SECONDS, ERROR_OUTPUT_MAX } from "./limits.ts";
import { nodeFiles, type NodeFile } from "./nodeFiles.ts";
import type { Peer, Settings } from "./settings.ts";

const PROGRAM = "ssh";
const COMMAND_FAILED = 1;

/**
 * Writes what the client needs to know into the state directory: names and addresses stay out of the process list, and
 * `ssh -F FILE NODE` by hand does what the aggregator does.
 */
export async function createSshFetcher(settings: Settings): Promise<Fetcher> {
  const { stateDirectory, keysDirectory, peers } = settings;
  checkKeyModes(keysDirectory);
  const { error: missing } = spawnSync(PROGRAM, ["-V"], { stdio: "ignore" });
  if (missing !== undefined) throw meshError("mesh-program-missing", { program: PROGRAM, errno: errnoOf(missing) });
  const configFile = join(stateDirectory, "ssh_config");
  const knownHostsFile = join(stateDirectory, "ssh_known_hosts");
  try {
    createDirectory(stateDirectory);
    await replaceFile(knownHostsFile, knownHosts(peers));
    await replaceFile(configFile, clientConfig(peers, knownHostsFile));
  } catch (error) {
    throw meshError("file-unwritable", { file: stateDirectory, errno: errnoOf(error) });
  }
  return {
    fetch: ({ node }, file, signal) => runClient(configFile, node, file, keyFileOf(keysDirectory, file), signal),
  };
}

/** Of `ssh_known_hosts`: every node goes by its label. */
const knownHosts = (peers: readonly Peer[]): string =>
  peers.flatMap(({ node, hostKeys }) => hostKeys.map((key) => `${node} ${key}\n`)).join("");

function clientConfig(peers: readonly Peer[], knownHostsFile: string): string {
  const nodes = peers.map(({ node, host, port, user }) =>
    [`Host ${node}`, ` HostName ${host}`, ` Port ${port}`, ` User ${user}`, ` HostKeyAlias ${node}`].join("\n"),
  );
  return `${[...nodes, everyNode(knownHostsFile)].join("\n")}\n`;
}

const everyNode = (knownHostsFile: string): string =>
  `Host *
 BatchMode yes
 StrictHostKeyChecking yes
 UserKnownHostsFile "${knownHostsFile.replaceAll("%", "%%")}"
 GlobalKnownHostsFile none
 UpdateHostKeys no
 CheckHostIP no
 VerifyHostKeyDNS no
 ConnectTimeout ${CONNECT_TIMEOUT_SECONDS}
 ConnectionAttempts 1
 ServerAliveInterval 5
 ServerAliveCountMax 2
 IdentitiesOnly yes
 IdentityAgent none
 PreferredAuthentications publickey
 ClearAllForwardings yes
 ForwardAgent no
 ForwardX11 no
 PermitLocalCommand no
 ControlMaster no
 ControlPath none
 RequestTTY no
 LogLevel ERROR`;

function runClient(config: string, node: string, file: NodeFile, key: string, signal: AbortSignal): Promise<Answer> {
  const { bytesMax } = nodeFiles[file];
  return new Promise((resolve) => {
    // The node ignores the command that is named: its own, of this key, runs.
    const child = spawn(PROGRAM, ["-F", config, "-i", key, "-T", node, file], {
      ...{ stdio: ["ignore", "pipe", "pipe"], env: { PATH: process.env["PATH"], LC_ALL: "C" } },
    });
    const chunks: Buffer[] = [];
    let length = 0;
    let complaint = "";
    let fault: FetchFault | undefined;
    const stop = (reason: FetchFault): void => {
      fault ??= reason;
      child.kill("SIGKILL");
    };
    const onAbort = (): void => stop("timeout");
    signal.addEventListener("abort", onAbort, { once: true });
    child.stdout.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > bytesMax) {
        chunks.length = 0;
        stop("too-large");
      } else chunks.push(chunk);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (complaint.length < ERROR_OUTPUT_MAX) complaint += text.slice(0, ERROR_OUTPUT_MAX);
    });
    const settle = (answer: Answer): void => {
      signal.removeEventListener("abort", onAbort);
      resolve(answer);
    };
    child.on("error", () => settle({ kind: "failed", reason: fault ?? "unreachable" }));
    child.on("close", (status) => {
      if (fault !== undefined) settle({ kind: "failed", reason: fault });
      else if (status === 0) settle(textOf(Buffer.concat(chunks)));
      // A forced command that finds no file prints nothing and ends so (§7.1).
      else if (status === COMMAND_FAILED && length === 0) settle({ kind: "missing" });
      else settle({ kind: "failed", reason: reasonOf(complaint, status) });
    });
  });
}

function textOf(bytes: Buffer): Answer {
  try {
    return { kind: "body", body: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { kind: "failed", reason: "not-text" };
  }
}

const CLIENT_FAILED = 255;

function reasonOf(complaint: string, status: number | null): FetchFault {
  if (/host key verification failed|host key is known/i.test(complaint)) return "host-key-changed";
  if (/permission denied/i.test(complaint)) return "denied";
  return status === CLIENT_FAILED ? "unreachable" : "refused";
}
