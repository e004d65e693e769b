/**
 * Finds the network that a person asked for and gives it its folder. What a network was when its folder was made is written
 * there once: a later start with another genesis under the same name is refused instead of mixing two chains.
 */
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { prepareDirectory, writeOwnerFile } from "../../keystore/ownerFiles.ts";
import type { Native } from "../../native/interface.ts";
import { equalBytes } from "../../protocol/bytes.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { MANIFEST_SIZE_MAX } from "../../protocol/genesis/manifest.ts";
import type { Founder, Genesis } from "../../protocol/genesis/state.ts";
import { genesisOf } from "./genesis.ts";
import { formatNetworkFile, parseNetworkFile, type LocalRules, type Network } from "./networkFile.ts";
import { measureHashesPerSecond, SOLO, SOLO_NOTE, soloNetwork } from "./solo.ts";

export type NetworkErrorCode =
  /** Neither built in nor entered before, and no such file: `network`. */
  | "network-unknown"
  /** `network` is known but its peers are not public. */
  | "manifest-needed"
  /** `directory` belongs to another network of that name. */
  | "network-differs"
  /** The solo network in `directory` was made by another identity. */
  | "solo-of-another-identity"
  /** `file`, `errno`. */
  | "network-file-unreadable";

/** The networks that come with the program. */
const RESOURCES = fileURLToPath(new URL("../../../resources/networks/", import.meta.url));
const FILE_NAME = "network.json";
/** The practice network of this data directory: its own file is newer than what a node of it was started with. */
export const PRACTICE = "local";
const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;

export interface OpenNetworkOptions {
  readonly crypto: Native;
  /** A name, or the path of a network file or manifest: what contains a separator or ends with ".json". */
  readonly asked: string;
  /** The folder of all networks of this data directory. */
  readonly networksDirectory: string;
  readonly local?: LocalRules;
  /** The own public keys, asked for when "solo" is made. */
  readonly self: Founder;
  /** Hashes per window of a new "solo"; measured when left out. */
  readonly soloD?: bigint;
  readonly resources?: string;
}

export interface OpenedNetwork {
  readonly network: Network;
  readonly genesis: Genesis;
  /** This network's own folder, which exists. */
  readonly directory: string;
}

/**
 * Throws `ProtocolError<NetworkErrorCode | NetworkFileErrorCode | ManifestErrorCode | ConfigurationErrorCode | GenesisFault>`.
 */
export async function openNetwork(options: OpenNetworkOptions): Promise<OpenedNetwork> {
  const found = await findNetwork(options);
  const { network } = found;
  if (network.isManifestNeeded && network.peers.length === 0) {
    // First of all what is wrong with it.
    genesisOf(options.crypto, network);
    throw new ProtocolError<NetworkErrorCode>("manifest-needed", { network: network.name });
  }
  return enter(found, options);
}

/**
 * Takes the text of a network file or manifest, so that its network is known by its name from now on. Throws as
 * {@link openNetwork}; `file` is what errors call the text.
 */
export async function enterNetwork(
  file: string,
  text: string,
  options: Pick<OpenNetworkOptions, "crypto" | "networksDirectory">,
): Promise<Network> {
  const { network } = await enter({ network: parseNetworkFile(file, text), text }, options);
  return network;
}

/** Gives a network its folder. One that was entered before keeps its genesis. */
async function enter(
  { network, text }: FoundNetwork,
  { crypto, networksDirectory, local }: Pick<OpenNetworkOptions, "crypto" | "networksDirectory" | "local">,
): Promise<OpenedNetwork> {
  const genesis = genesisOf(crypto, network);
  const directory = join(networksDirectory, network.name);
  const file = join(directory, FILE_NAME);
  const storedText = await readText(file);
  if (storedText !== undefined && storedText !== text) {
    const stored = genesisOf(crypto, parseNetworkFile(file, storedText, local));
    if (!equalBytes(stored.stateHash, genesis.stateHash)) {
      throw new ProtocolError<NetworkErrorCode>("network-differs", { network: network.name, directory });
    }
  }
  if (storedText !== text) {
    await prepareDirectory(directory);
    await writeOwnerFile(file, new TextEncoder().encode(text));
  }
  return { network, genesis, directory };
}

/** A network that the person can name. */
export interface KnownNetwork {
  readonly name: string;
  readonly origin: "built-in" | "practice" | "entered" | "solo";
}

/** At most `max` of them; their files may still be wrong. */
export async function knownNetworks(
  networksDirectory: string,
  max: number,
  resources: string = RESOURCES,
): Promise<KnownNetwork[]> {
  const builtIn = (await namesIn(resources)).flatMap(
    (name) => /^([a-z0-9][a-z0-9-]{0,31})\.json$/.exec(name)?.[1] ?? [],
  );
  const isPractice = (await readText(join(networksDirectory, "..", PRACTICE, FILE_NAME))) !== undefined;
  const entered = (await namesIn(networksDirectory)).filter((name) => NAME.test(name));
  const known = new Map<string, KnownNetwork["origin"]>(builtIn.map((name) => [name, "built-in"]));
  if (isPractice) known.set(PRACTICE, "practice");
  known.set(SOLO, "solo");
  for (const name of entered) if (!known.has(name)) known.set(name, "entered");
  return [...known].slice(0, max).map(([name, origin]) => ({ name, origin }));
}

async function namesIn(directory: string): Promise<string[]> {
  return (await readdir(directory).catch(() => [])).sort();
}

interface FoundNetwork {
  readonly network: Network;
  readonly text: string;
}

async function findNetwork(options: OpenNetworkOptions): Promise<FoundNetwork> {
  const { asked } = options;
  const found = await readNetwork(options);
  if (found === undefined && asked === SOLO) return makeSolo(options);
  if (found === undefined) throw new ProtocolError<NetworkErrorCode>("network-unknown", { network: asked });
  if (asked === SOLO) checkIsOwn(found.network, options.self, join(options.networksDirectory, asked, FILE_NAME));
  return found;
}

/** The network and the text of its file, without entering it; undefined where there is no such network. Throws what reading throws. */
export async function readNetwork(
  options: Pick<OpenNetworkOptions, "asked" | "networksDirectory" | "local" | "resources">,
): Promise<FoundNetwork | undefined> {
  const { asked, networksDirectory, local, resources = RESOURCES } = options;
  if (isPath(asked)) {
    const file = resolve(asked);
    const text = await readText(file);
    return text === undefined ? undefined : { text, network: parseNetworkFile(basename(file), text, local) };
  }
  if (!NAME.test(asked)) return undefined;
  const practice = asked === PRACTICE ? [join(networksDirectory, "..", PRACTICE, FILE_NAME)] : [];
  for (const file of [...practice, join(networksDirectory, asked, FILE_NAME), join(resources, `${asked}.json`)]) {
    const text = await readText(file);
    if (text !== undefined) return { text, network: parseNetworkFile(file, text, local) };
  }
  return undefined;
}

async function makeSolo({ crypto, self, soloD }: OpenNetworkOptions): Promise<FoundNetwork> {
  const d = soloD ?? BigInt(await measureHashesPerSecond(crypto));
  const network = soloNetwork(self, d);
  const text = formatNetworkFile({ ...network, stateHash: genesisOf(crypto, network).stateHash }, SOLO_NOTE);
  return { text, network: parseNetworkFile(SOLO, text) };
}

function checkIsOwn({ rules: { params } }: Network, self: Founder, file: string): void {
  const isOwn =
    equalBytes(params.bootstrapAccountPubkey, self.accountPubkey) &&
    equalBytes(params.bootstrapNodePubkey, self.nodePubkey);
  if (!isOwn) throw new ProtocolError<NetworkErrorCode>("solo-of-another-identity", { file });
}

function isPath(asked: string): boolean {
  return /[/\\]/.test(asked) || asked.endsWith(".json");
}

/** `undefined` when there is no such file. */
async function readText(file: string): Promise<string | undefined> {
  try {
    const { size } = await stat(file);
    // Longer than a network file can be: enough of it to be refused for that.
    if (size > 4 * MANIFEST_SIZE_MAX) throw unreadable(file, "EFBIG");
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw unreadable(file, code ?? String(error));
  }
}

function unreadable(file: string, errno: string): ProtocolError {
  return new ProtocolError<NetworkErrorCode>("network-file-unreadable", { file, errno });
}
