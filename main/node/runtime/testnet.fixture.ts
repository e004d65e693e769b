/** A scaled network of real nodes in one process, each with a folder of its own, for tests. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { NodeSigner } from "../../keystore/signers.ts";
import { loadCrypto } from "../../native/index.ts";
import { ascii, type AccountId, type Hash32, type NodeId } from "../../protocol/bytes.ts";
import type { PublicKey, SecretKey } from "../../protocol/crypto.ts";
import { MONTANA_PARAMS } from "../../protocol/genesis/montana.ts";
import { rulesOf, type NetworkRules } from "../../protocol/genesis/rules.ts";
import { accountIdOf, nodeIdOf, SUITE_MLDSA65 } from "../../protocol/identity/ids.ts";
import { genesisOf } from "../network/genesis.ts";
import type { Network } from "../network/networkFile.ts";
import { InProcessNetwork } from "./inProcess.fixture.ts";
import { startNode, type NodeOptions, type RunningNode } from "./node.ts";
import type { Notice } from "./notices.ts";

export const { crypto } = loadCrypto();

export interface KeyPair {
  readonly publicKey: PublicKey;
  readonly secretKey: SecretKey;
}

/** A person: the keys of a node and of an account. */
export class Member {
  readonly name: string;
  readonly node: KeyPair;
  readonly account: KeyPair;
  readonly nodeId: NodeId;
  /** Where a newcomer's bonus goes. */
  readonly nodeAccountId: AccountId;
  readonly accountId: AccountId;

  constructor(name: string) {
    this.name = name;
    this.node = crypto.mldsa65.generate(crypto.sha256(ascii(`node of ${name}`)));
    this.account = crypto.mldsa65.generate(crypto.sha256(ascii(`account of ${name}`)));
    this.nodeId = nodeIdOf(crypto, this.node.publicKey);
    this.nodeAccountId = accountIdOf(crypto, SUITE_MLDSA65, this.node.publicKey);
    this.accountId = accountIdOf(crypto, SUITE_MLDSA65, this.account.publicKey);
  }

  signer(): NodeSigner {
    return new NodeSigner(crypto, this.node.publicKey, this.node.secretKey.slice() as SecretKey);
  }
}

export interface TestnetOptions {
  readonly founders: readonly Member[];
  readonly tau2Windows: bigint;
  readonly d: bigint;
}

export class Testnet {
  readonly folder = mkdtempSync(join(tmpdir(), "montana-testnet-"));
  readonly network: Network;
  readonly #links = new InProcessNetwork();
  readonly #started = new Set<TestNode>();

  /** `rules` instead of those of the first founder's network, for a node that follows somebody else's. */
  constructor({ founders, tau2Windows, d }: TestnetOptions, rules?: NetworkRules) {
    const [bootstrap, ...others] = founders;
    const params = {
      ...MONTANA_PARAMS,
      ...{ d0: d, dAdjustmentRateNum: 0, tau2Windows, vdfEntryWindows: tau2Windows, selectionInterval: tau2Windows },
      ...{ candidateExpiryWindows: 3n * tau2Windows, pruningIdleWindows: 8n * tau2Windows },
      bootstrapAccountPubkey: bootstrap!.account.publicKey,
      bootstrapNodePubkey: bootstrap!.node.publicKey,
    };
    this.network = {
      ...{
        name: "testnet",
        rules: rules ?? rulesOf(params, "spec"),
        stateHash: undefined,
        peers: [],
        isManifestNeeded: false,
      },
      tunnel: undefined,
      otherFounders: others.map((each) => ({
        accountPubkey: each.account.publicKey,
        nodePubkey: each.node.publicKey,
      })),
    };
  }

  /** Genesis State Hash. */
  get networkId(): Hash32 {
    return genesisOf(crypto, this.network).stateHash;
  }

  directoryOf({ name }: { readonly name: string }): string {
    return join(this.folder, name);
  }

  /** `name` is of the folder and of the node among its peers; by default that of the member. */
  async start(
    member: Member,
    options: Partial<NodeOptions> & { readonly isRestored?: boolean; readonly name?: string } = {},
  ): Promise<TestNode> {
    const { isRestored = false, name = member.name, ...rest } = options;
    const { network } = this;
    const provenance = { origin: "created" as const, createdAtMs: 0, changedMarks: [], isRestoredOrCopied: isRestored };
    const identity = {
      summary: { provenance },
      openNodeSigner: () => Promise.resolve(member.signer()),
      endQuietPeriod: () => {
        provenance.isRestoredOrCopied = false;
        return Promise.resolve();
      },
    };
    const node = await startNode({
      ...{ crypto, identity, transport: this.#links.transport(name) },
      network: { network, genesis: genesisOf(crypto, network), directory: this.directoryOf({ name }) },
      logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
      ...rest,
    });
    const started = new TestNode(name, node, () => this.#started.delete(started));
    this.#started.add(started);
    return started;
  }

  /** Ends all nodes and removes what they wrote. */
  async end(): Promise<void> {
    await Promise.all([...this.#started].map((node) => node.stop()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class TestNode {
  readonly name: string;
  readonly node: RunningNode;
  readonly notices: Notice[] = [];
  readonly #onStop: () => void;
  readonly #waiting = new Set<() => void>();

  constructor(name: string, node: RunningNode, onStop: () => void) {
    this.name = name;
    this.node = node;
    this.#onStop = onStop;
    node.onChange((change) => {
      if (change.kind === "notice") this.notices.push(change.notice);
      for (const check of [...this.#waiting]) check();
    });
  }

  /** Resolves once it holds, looked at after each change. */
  until(holds: () => boolean | Promise<boolean>): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        Promise.resolve(holds()).then((is) => {
          if (!is) return;
          this.#waiting.delete(check);
          resolve();
        }, reject);
      };
      this.#waiting.add(check);
      check();
    });
  }

  untilWindow(window: number): Promise<void> {
    return this.until(async () => ((await this.node.status()).window ?? -1) >= window);
  }

  untilNotice(code: string): Promise<Notice> {
    const find = (): Notice | undefined => this.notices.find((notice) => notice.code === code);
    return this.until(() => find() !== undefined).then(() => find()!);
  }

  async untilPhase(phase: string): Promise<void> {
    await this.until(async () => (await this.node.status()).phase === phase);
  }

  /** nɈ; undefined for an account that the state does not hold. */
  async balance(id: AccountId): Promise<bigint | undefined> {
    return (await this.node.state.ask("account", id))?.balance;
  }

  async stop(): Promise<void> {
    this.#onStop();
    await this.node.stop();
  }
}
