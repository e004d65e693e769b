/**
 * Nodes behind a real `sshd` on this machine: one port for each node, each with its own `authorized_keys` that
 * hold exactly the lines which the aggregator prints.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import { isListening } from "../../xray/mesh.fixture.ts";
import { freePorts } from "./freePorts.fixture.ts";
import { authorizedKeysLine, provideKeys } from "./authorizedKeys.ts";
import { NODE_FILES, NODE_PATHS } from "./nodeFiles.ts";

const PROGRAM = ["/usr/sbin/sshd", "/usr/bin/sshd"].find((path) => existsSync(path));
export const HAS_SSHD = PROGRAM !== undefined;

export interface SshNode {
  readonly node: string;
  readonly port: number;
  /** What the node publishes. */
  readonly netDirectory: string;
}

export interface Sshd {
  readonly nodes: readonly SshNode[];
  /** As the settings hold it. */
  readonly hostKey: string;
  /** For the `peers` of the settings. */
  readonly peers: readonly Readonly<Record<string, unknown>>[];
  stop(): Promise<void>;
}

const START_ATTEMPTS = 400;
/** More than 16 listening sockets one `sshd` does not take. */
const PORTS_MAX = 16;

/** `keysDirectory` are the aggregator's keys; they are made where they are not there. */
export async function startSshd(directory: string, keysDirectory: string, labels: readonly string[]): Promise<Sshd> {
  mkdirSync(directory, { recursive: true });
  const hostKeyFile = join(directory, "host_key");
  spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", hostKeyFile]);
  const hostKey = readFileSync(`${hostKeyFile}.pub`, "utf8").split(" ").slice(0, 2).join(" ").trim();
  const publicKeys = provideKeys(keysDirectory);
  const ports = await freePorts(labels.length);
  const nodes = labels.map((node, i) => {
    const netDirectory = join(directory, node);
    mkdirSync(netDirectory);
    const paths = { ...NODE_PATHS, netDirectory };
    const lines = NODE_FILES.map((file) => `${authorizedKeysLine(file, publicKeys.get(file)!, paths)}\n`);
    writeFileSync(join(directory, `${node}.keys`), lines.join(""), { mode: 0o600 });
    return { node, port: ports[i]!, netDirectory };
  });
  // As root it wants a directory to shut its unprivileged half into.
  if (userInfo().uid === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  const servers: Awaited<ReturnType<typeof startServer>>[] = [];
  for (let start = 0; start < nodes.length; start += PORTS_MAX) {
    servers.push(await startServer(directory, hostKeyFile, nodes.slice(start, start + PORTS_MAX)));
  }
  const user = userInfo().username;
  return {
    nodes,
    hostKey,
    peers: nodes.map(({ node, port }) => ({ node, host: "127.0.0.1", port, user, host_keys: [hostKey] })),
    stop: async () => {
      for (const stop of servers) await stop();
    },
  };
}

/** Gives what ends it. */
async function startServer(
  directory: string,
  hostKeyFile: string,
  nodes: readonly SshNode[],
): Promise<() => Promise<void>> {
  const { port } = nodes[0]!;
  const configFile = join(directory, `sshd_config_${port}`);
  writeFileSync(configFile, serverConfig(directory, hostKeyFile, nodes));
  const child = spawn(PROGRAM!, ["-D", "-e", "-f", configFile], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-4000)));
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  for (let attempt = 0; !(await isListening(port)); attempt++) {
    if (child.exitCode !== null || attempt > START_ATTEMPTS) throw new Error(`sshd did not start: ${said}`);
    await wait(25);
  }
  return async () => {
    child.kill("SIGTERM");
    await ended;
  };
}

const serverConfig = (directory: string, hostKeyFile: string, nodes: readonly SshNode[]): string =>
  [
    ...nodes.map(({ port }) => `ListenAddress 127.0.0.1:${port}`),
    `HostKey ${hostKeyFile}`,
    "PidFile none",
    "UsePAM no",
    "StrictModes no",
    "PermitRootLogin prohibit-password",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "Subsystem sftp internal-sftp",
    "MaxStartups 500",
    "LogLevel ERROR",
    ...nodes.flatMap(({ node, port }) => [
      `Match LocalPort ${port}`,
      ` AuthorizedKeysFile ${join(directory, `${node}.keys`)}`,
    ]),
    "",
  ].join("\n");
