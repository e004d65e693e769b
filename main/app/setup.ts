/** From nothing to a node in a host that runs: the identity, the network, the node's start and stop, each remembered. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";

import type { Input, Notice, Output } from "../api/contract.ts";
import { apiError, noticeOf } from "../api/errors.ts";
import type { SetupService } from "../api/services.ts";
import { keystoreContext, type KeystoreContext } from "../keystore/context.ts";
import { createIdentityFromWords, restoreIdentity } from "../keystore/create.ts";
import { IdentityStore } from "../keystore/identityStore.ts";
import { wipe, type Native } from "../native/index.ts";
import { enterNetwork, knownNetworks, openNetwork, readNetwork } from "../node/network/openNetwork.ts";
import type { LocalRules, Network } from "../node/network/networkFile.ts";
import { SOLO } from "../node/network/solo.ts";
import { STORE_FOLDER } from "../node/store/backup.ts";
import { sized, toHex } from "../protocol/bytes.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { decodeMnemonic, mnemonicWords } from "../protocol/identity/mnemonic.ts";
import type { DataDirectory } from "./dataDirectory.ts";
import { HostIdentity } from "./identityService.ts";
import { JoinCost } from "./joinCost.ts";
import type { Logger } from "./log.ts";
import { writeNodeChoice, type NodeChoice, type RememberedChoice } from "./nodeChoice.ts";
import type { NodeRunner, OnProgress, StartedNode } from "./nodeRunner.ts";

/** Whoever asks for words that often has lost count: the oldest then count as somebody's. */
const HANDED_OUT_MAX = 16;
const NETWORKS_MAX = 64;

export interface SetupOptions {
  readonly directory: DataDirectory;
  readonly crypto: Native;
  readonly logger: Logger;
  readonly runner: NodeRunner;
  /** Opens the node on a network that was opened; rejects where this host has none to start. */
  readonly startNode: (
    identity: HostIdentity,
    network: StartedNode["network"],
    how: { readonly stopping: AbortSignal; readonly onProgress: OnProgress },
  ) => Promise<StartedNode["running"]>;
  /** Whose cities the tunnel knows. */
  readonly tunnelNetwork: () => string | null;
  /** The person chose it, or starts a node on it: the tunnel leads to its cities, where it has some. */
  readonly onNetwork: (network: Network) => Promise<void>;
  readonly onChange: () => void;
}

export class Setup implements SetupService {
  readonly #options: SetupOptions;
  readonly #context: KeystoreContext;
  readonly #cost: JoinCost;
  #identity: HostIdentity | undefined;
  #identityFault: Notice | undefined;
  #choice: NodeChoice | undefined;
  /** Hashes of the entropy of words that this host made and nobody used yet. */
  readonly #handedOut = new Set<string>();
  #making: Promise<void> | undefined;

  /** Reads the identity. What is wrong with it, or with what was remembered, the state says. */
  static async open({ choice, isDamaged }: RememberedChoice, options: SetupOptions): Promise<Setup> {
    const { directory, crypto, runner } = options;
    const setup = new Setup(options, keystoreContext({ directory: directory.identity, crypto }));
    setup.#choice = choice;
    await setup.#openIdentity();
    if (isDamaged) runner.setFault({ code: "node-choice-damaged", params: {} });
    return setup;
  }

  private constructor(options: SetupOptions, context: KeystoreContext) {
    this.#options = options;
    this.#context = context;
    const { crypto, directory, runner } = options;
    this.#cost = new JoinCost({ crypto, networksDirectory: directory.networks, running: () => runner.started });
  }

  get identityService(): HostIdentity | undefined {
    return this.#identity;
  }

  /** What the person wants to run at every start. */
  get wanted(): NodeChoice | undefined {
    return this.#choice?.isWanted === true ? this.#choice : undefined;
  }

  get state(): SetupService["state"] {
    const hasIdentity = this.#identity !== undefined || this.#identityFault !== undefined;
    return { hasIdentity, ...this.#options.runner.state };
  }

  identity(): Promise<Output<"identity">> {
    const identity = this.#identity;
    const fault = this.#identityFault ?? null;
    if (identity === undefined) {
      const nothing = { address: null, accountId: null, nodeId: null, fingerprint: null, machineKey: null };
      return Promise.resolve({
        ...{ exists: fault !== null, fault, ...nothing, areWordsConfirmed: null, isUnlocked: false },
      });
    }
    const { address, accountId, nodeId, accountFingerprint, hasWords, areWordsConfirmed, machineKey } =
      identity.store.summary;
    return Promise.resolve({
      ...{ exists: true, fault, address, accountId: toHex(accountId), nodeId: toHex(nodeId), machineKey },
      fingerprint: accountFingerprint.join(" "),
      areWordsConfirmed: hasWords ? areWordsConfirmed : null,
      isUnlocked: identity.isUnlocked,
    });
  }

  newWords(): Output<"newWords"> {
    const { crypto } = this.#options;
    const entropy = sized(Uint8Array.from(randomBytes(32)), 32);
    const words = [...mnemonicWords(crypto, entropy)];
    this.#handedOut.add(toHex(crypto.sha256(entropy)));
    if (this.#handedOut.size > HANDED_OUT_MAX) this.#handedOut.delete(this.#handedOut.values().next().value!);
    wipe(entropy);
    return { words };
  }

  async makeIdentity({ words, passphrase }: Input<"makeIdentity">): Promise<Output<"makeIdentity">> {
    // Two at once would race for the same folder.
    while (this.#making !== undefined) await this.#making.catch(() => undefined);
    this.#making = this.#make(words, passphrase).finally(() => (this.#making = undefined));
    await this.#making;
    return this.identity();
  }

  async startNode({ network }: Input<"startNode">): Promise<void> {
    const asked = network ?? this.#choice?.network;
    if (asked === undefined) throw apiError("network-needed");
    const isChosen = asked === this.#choice?.network;
    await this.start(asked, isChosen ? (this.#choice?.local ?? {}) : {});
  }

  /** As the person asked for at the start, or in the page; it is what every start begins with from now on. */
  async start(asked: string, local: LocalRules): Promise<void> {
    const { runner } = this.#options;
    await runner.start({
      asked,
      start: async (stopping, onProgress) => {
        const identity = this.#identity;
        if (identity === undefined) throw this.#missing();
        const { crypto, directory, logger } = this.#options;
        const { accountPublicKey, nodePublicKey } = identity.store.summary;
        const network = await openNetwork({
          ...{ crypto, asked, networksDirectory: directory.networks, local },
          self: { accountPubkey: accountPublicKey, nodePubkey: nodePublicKey },
        });
        const { name, rules } = network.network;
        logger.info({ network: name, profile: rules.profile }, "network");
        await this.#options.onNetwork(network.network);
        // Before the node has written anything: whenever this ends, the next start goes on with it.
        this.#remember({ network: name, isWanted: true, local });
        return { network, running: await this.#options.startNode(identity, network, { stopping, onProgress }) };
      },
    });
  }

  async stopNode(): Promise<void> {
    if (this.#choice !== undefined) this.#remember({ ...this.#choice, isWanted: false });
    await this.#options.runner.stop();
  }

  speedTest({ network }: Input<"speedTest">): Promise<Output<"speedTest">> {
    return this.#cost.measure(network ?? this.#choice?.network);
  }

  async networks(): Promise<Output<"networks">> {
    const { directory, runner, tunnelNetwork } = this.#options;
    const known = await knownNetworks(directory.networks, NETWORKS_MAX);
    const networks = await Promise.all(known.map((network) => this.#describe(network)));
    return {
      ...{ chosen: this.#choice?.network ?? null, running: runner.started?.network.network.name ?? null },
      ...{ tunnel: tunnelNetwork(), networks },
    };
  }

  async chooseNetwork({ network: asked }: Input<"chooseNetwork">): Promise<Output<"chooseNetwork">> {
    const { crypto, directory, runner } = this.#options;
    const found = await readNetwork({ asked, networksDirectory: directory.networks });
    if (found === undefined && asked !== SOLO) throw new ProtocolError("network-unknown", { network: asked });
    const name = found?.network.name ?? asked;
    const running = runner.started?.network.network.name;
    if (running !== undefined && running !== name) throw apiError("node-running", { network: running });
    // Of a file that is given by its path the name alone is remembered.
    if (found !== undefined && name !== asked) {
      await enterNetwork(name, found.text, { crypto, networksDirectory: directory.networks });
    }
    if (this.#choice?.network !== name) {
      this.#remember({ network: name, isWanted: false, local: {} });
      if (found !== undefined) await this.#options.onNetwork(found.network);
    }
    return this.networks();
  }

  async addNetwork({ file }: Input<"addNetwork">): Promise<Output<"addNetwork">> {
    const { crypto, directory } = this.#options;
    await enterNetwork("network.json", file, { crypto, networksDirectory: directory.networks });
    return this.networks();
  }

  #remember(choice: NodeChoice): void {
    writeNodeChoice(this.#options.directory, choice);
    this.#choice = choice;
    this.#options.onChange();
  }

  #missing(): ProtocolError {
    const { directory } = this.#options;
    if (this.#identityFault === undefined) return apiError("identity-missing", { directory: directory.identity });
    const { code, params } = this.#identityFault;
    return new ProtocolError(code, params);
  }

  async #openIdentity(): Promise<void> {
    try {
      this.#takeIdentity(await IdentityStore.open(this.#context));
    } catch (error) {
      const { notice, isDefect } = noticeOf(error);
      if (isDefect) throw error;
      if (notice.code !== "identity-missing") this.#identityFault = notice;
    }
  }

  #takeIdentity(store: IdentityStore): void {
    const { logger, onChange } = this.#options;
    for (const { code, params } of store.warnings) logger.warn({ code, params }, "identity");
    this.#identity = new HostIdentity(store, onChange);
    this.#identityFault = undefined;
  }

  async #make(words: readonly string[], passphraseText: string): Promise<void> {
    const phraseText = words.map((word) => word.trim().toLowerCase()).join(" ");
    const entropy = decodeMnemonic(this.#options.crypto, phraseText);
    const mark = toHex(this.#options.crypto.sha256(entropy));
    wipe(entropy);
    const [phrase, passphrase] = [phraseText, passphraseText].map((text) => new TextEncoder().encode(text));
    try {
      const asked = { passphrase: passphrase!, phrase: phrase!, nowMs: Date.now() };
      const store = this.#handedOut.has(mark)
        ? await createIdentityFromWords(this.#context, asked)
        : await restoreIdentity(this.#context, { ...asked, mode: "recoverable" });
      this.#handedOut.clear();
      this.#takeIdentity(store);
    } finally {
      wipe(phrase!, passphrase!);
    }
    this.#options.onChange();
  }

  async #describe({
    name,
    origin,
  }: Awaited<ReturnType<typeof knownNetworks>>[number]): Promise<Output<"networks">["networks"][number]> {
    const { networks: networksDirectory } = this.#options.directory;
    const hasData = existsSync(join(networksDirectory, name, STORE_FOLDER));
    const unknown = { name, origin, profile: null, tau2Windows: null, d: null, hasData, isManifestNeeded: false };
    try {
      const found = await readNetwork({ asked: name, networksDirectory });
      if (found === undefined) return { ...unknown, fault: null };
      const { rules, isManifestNeeded, peers } = found.network;
      const { tau2Windows, d0 } = rules.params;
      const isMissing = isManifestNeeded && peers.length === 0;
      return {
        ...{ ...unknown, profile: rules.profile, tau2Windows: Number(tau2Windows), d: Number(d0) },
        ...{ isManifestNeeded: isMissing, fault: null },
      };
    } catch (error) {
      const { notice, isDefect } = noticeOf(error);
      if (isDefect) throw error;
      return { ...unknown, fault: notice };
    }
  }
}
