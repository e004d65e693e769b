/**
 * Addresses of exits that are known by names (chapter 08 §10.6): in whole-device mode the engine must be given addresses, for
 * its own question would go into the tunnel that is not up yet.
 */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { count, listOf, record, text, type Reader } from "../../cities/shape.ts";
import { readSealed, writeSealed } from "../../files/sealedFile.ts";

const FILE = "exit-addresses";
const BYTES_MAX = 1_048_576;
/** The ones asked for last stay. */
const HOSTS_MAX = 1_000;
/** Milliseconds. The system's resolver has no limit that could be set. */
const DEADLINE = 5_000;

const address: Reader<string> = text(45);
const readFile = record({
  version: count,
  addresses: listOf(record({ host: text(253), address }), HOSTS_MAX),
});

type LookUpAll = (hosts: readonly string[]) => Promise<ReadonlyMap<string, string>>;

export class ExitAddresses {
  readonly #path: string;
  readonly #lookup: (host: string) => Promise<string | undefined>;
  readonly #lookUpBehindBlock: LookUpAll;
  #known: Map<string, string> | undefined;

  /** Kept in `directory`: behind a kill switch nobody may be asked, also after the program was killed. */
  constructor(directory: string, lookUpBehindBlock: LookUpAll, lookUp = lookUpBySystem) {
    this.#path = join(directory, FILE);
    this.#lookUpBehindBlock = lookUpBehindBlock;
    this.#lookup = lookUp;
  }

  /**
   * By host; one whose address cannot be had is left out. `isOutside`: the system's resolver is reached past the tunnel. If it is
   * not, what is known is taken, and only what is not is asked for.
   */
  async resolve(
    hosts: readonly string[],
    { isOutside }: { readonly isOutside: boolean },
  ): Promise<ReadonlyMap<string, string>> {
    const known = (this.#known ??= this.#load());
    const names = [...new Set(hosts)].filter((host) => isIP(host) === 0).slice(0, HOSTS_MAX);
    const asked = names.filter((host) => isOutside || !known.has(host));
    const answers = isOutside ? await this.#lookUpAll(asked) : await this.#lookUpBehindBlock(asked);
    const isNew = asked.map((host) => learn(known, host, answers.get(host))).includes(true);
    if (isNew) this.#save(known);
    return new Map(names.flatMap((host) => (known.has(host) ? [[host, known.get(host)!]] : [])));
  }

  async #lookUpAll(hosts: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const answers = await Promise.all(hosts.map(async (host) => [host, await this.#lookup(host)] as const));
    return new Map(answers.flatMap(([host, address]) => (address === undefined ? [] : [[host, address]])));
  }

  #load(): Map<string, string> {
    const found = readSealed(this.#path, BYTES_MAX, readFile);
    // They can be asked for again.
    if (found.kind !== "value") return new Map();
    return new Map(found.value.addresses.map(({ host, address }) => [host, address]));
  }

  #save(known: ReadonlyMap<string, string>): void {
    const addresses = [...known].slice(-HOSTS_MAX).map(([host, address]) => ({ host, address }));
    try {
      writeSealed(this.#path, { version: 1, addresses });
    } catch {
      // A full disk must not keep anybody from connecting now.
      return;
    }
  }
}

function learn(known: Map<string, string>, host: string, address: string | undefined): boolean {
  if (address === undefined || known.get(host) === address) return false;
  known.delete(host);
  known.set(host, address);
  return true;
}

/** IPv4 first: where IPv6 is missing, an attempt by it takes all the time there is. */
async function lookUpBySystem(host: string): Promise<string | undefined> {
  const late = new AbortController();
  const timeout = sleep(DEADLINE, undefined, { signal: late.signal, ref: false }).catch(() => undefined);
  const asked = lookup(host, { all: true, order: "ipv4first" }).then(
    ([first]) => first?.address,
    () => undefined,
  );
  const address = await Promise.race([asked, timeout]);
  late.abort();
  return address;
}
