/** A scaled network of one bootstrap node, on the real transition: registrations published after W are applied in W + 2. */
import { ascii, ZERO_HASH, type Hash32 } from "../../protocol/bytes.ts";
import { encode, u64 } from "../../protocol/codec/codec.ts";
import type { PublicKey, Signature } from "../../protocol/crypto.ts";
import { MONTANA_PARAMS } from "../../protocol/genesis/montana.ts";
import { rulesOf, type NetworkRules } from "../../protocol/genesis/rules.ts";
import { genesisRecords } from "../../protocol/genesis/state.ts";
import { accountIdOf, nodeIdOf } from "../../protocol/identity/ids.ts";
import { loadCrypto } from "../../native/index.ts";
import { MemoryState } from "../../protocol/state/memory.ts";
import { emptyTrees, releaseTrees, updateTrees } from "../../protocol/state/roots.ts";
import { StateDraft } from "../../protocol/state/table.ts";
import { genesisEpoch } from "../../protocol/transition/adaptEpoch.ts";
import { applyWindow, type Settled } from "../../protocol/transition/applyWindow.ts";
import { validateRegistration } from "../../protocol/entry/validateRegistration.ts";
import { TYPE_NODE_REGISTRATION } from "../../protocol/objects/nodeRegistration.ts";
import type { AppliedWindow } from "./lifecycle.ts";
import { standingOf } from "./standing.ts";
import type { RegistrationDraft } from "./state.ts";

export const { crypto } = loadCrypto();
export const hashOf = (text: string): Hash32 => crypto.sha256(ascii(text));
const NO_SIGNATURE = new Uint8Array(3309) as Signature;

export function keyOf(name: string): PublicKey {
  const key = new Uint8Array(1952) as PublicKey;
  key.set(hashOf(name));
  return key;
}

export const TAU2 = 10n;
export const D = 20_000n;
export const EMISSION = MONTANA_PARAMS.emissionMoneta;
export const RULES: NetworkRules = rulesOf(
  {
    ...MONTANA_PARAMS,
    ...{ d0: D, tau2Windows: TAU2, vdfEntryWindows: TAU2, selectionInterval: 6n, candidateExpiryWindows: 3n * TAU2 },
    ...{ pruningIdleWindows: 8n * TAU2 },
    bootstrapAccountPubkey: keyOf("bootstrap account"),
    bootstrapNodePubkey: keyOf("bootstrap node"),
  },
  "spec",
);

export class Network {
  readonly state = new MemoryState();
  #settled: Settled;
  #published: { readonly draft: RegistrationDraft; readonly window: bigint }[] = [];
  /** The last applied window. */
  window = -1n;
  readonly #d: bigint;

  /** `d` is what the windows say, for a candidate chain. */
  constructor(d = D) {
    this.#d = d;
    const draft = new StateDraft(this.state);
    const { accounts, nodes } = genesisRecords(crypto, RULES.params, "spec");
    for (const account of accounts) draft.accounts.put(account);
    for (const node of nodes) draft.nodes.put(node);
    this.state.apply(draft.changes());
    const trees = updateTrees(crypto, emptyTrees(crypto), draft.changes());
    this.#settled = { state: this.state, trees, epoch: genesisEpoch(RULES) };
  }

  readonly publish = (draft: RegistrationDraft): void => {
    this.#published.push({ draft, window: this.window });
  };

  /** Someone else's registration, finished in time. */
  publishOther(name: string): void {
    const nodePubkey = keyOf(name);
    const operatorAccountId = accountIdOf(crypto, 1, nodePubkey);
    const wStart = this.window + 2n - TAU2;
    const chain = { proofEndpoint: hashOf(`end of ${name}`), wStart, vdfChainLength: TAU2 };
    this.publish({ type: TYPE_NODE_REGISTRATION, suiteId: 1, nodePubkey, operatorAccountId, ...chain });
  }

  /** Applies the next window; the rest is of the node whose key it is, which would publish `draft`. */
  advance(nodePubkey: PublicKey = keyOf("nobody"), draft?: RegistrationDraft): AppliedWindow {
    const window = this.window + 1n;
    const winnerId = nodeIdOf(crypto, RULES.params.bootstrapNodePubkey);
    const due = this.#published.filter((one) => one.window + 2n <= window);
    this.#published = this.#published.filter((one) => one.window + 2n > window);
    const options = { signature: "assume-valid" } as const;
    const timechainValue = crypto.sha256(encode(u64, window));
    const result = applyWindow(crypto, RULES, this.#settled, {
      ...{ window, timechainValue, aggregate: ZERO_HASH, bundleSigners: [winnerId], operations: [], winnerId },
      ...{ participationPermille: 1000, includedReveals: 1 },
      registrations: due
        .map(({ draft }) => ({ ...draft, signature: NO_SIGNATURE }))
        .filter((one) => validateRegistration(crypto, one, this.state, RULES, window, options) === undefined),
    });
    this.state.apply(result.changes);
    releaseTrees(this.#settled.trees);
    this.#settled = { state: this.state, trees: result.trees, epoch: result.epoch };
    this.window = window;
    return {
      ...{ window, timechainValue, aggregate: ZERO_HASH, d: this.#d, isSynchronised: true },
      standing: standingOf(crypto, RULES, this.state, window, nodeIdOf(crypto, nodePubkey), draft),
      refused: result.events.refused,
    };
  }
}
