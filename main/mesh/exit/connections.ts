/** How many connections are open to ports of this machine: what the engine itself does not tell. */
import { readFile } from "node:fs/promises";

const ESTABLISHED = "01";

/** Undefined where the system does not say (all but Linux). */
export async function countConnections(ports: readonly number[]): Promise<number | undefined> {
  try {
    const tables = await Promise.all(["/proc/net/tcp", "/proc/net/tcp6"].map(readTable));
    return tables.reduce((sum, table) => sum + countIn(table, new Set(ports)), 0);
  } catch {
    return undefined;
  }
}

/** A machine without IPv6 has no second table. */
const readTable = async (path: string): Promise<string> =>
  path.endsWith("6") ? readFile(path, "utf8").catch(() => "") : readFile(path, "utf8");

/** Of one table of the kernel's: `sl local_address rem_address st …`, addresses as `HEX:PORT`. */
export function countIn(table: string, ports: ReadonlySet<number>): number {
  let found = 0;
  for (const line of table.split("\n").slice(1)) {
    const [, local = "", , state] = line.trim().split(/\s+/);
    if (state === ESTABLISHED && ports.has(Number.parseInt(local.slice(local.lastIndexOf(":") + 1), 16))) found++;
  }
  return found;
}
