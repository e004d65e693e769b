/** What the wallet asks of the node, answered by the node's runtime and its state worker. */
import { operationMessage } from "../consensus/objects.ts";
import type { Verdict } from "../consensus/verdict.ts";
import type { RunningNode } from "../node/runtime/node.ts";
import { decode } from "../protocol/codec/codec.ts";
import { byteKey, equalBytes, type Hash32 } from "../protocol/bytes.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { bundledConfirmation, proposalHeader, type ProposalHeader } from "../protocol/objects/consensus.ts";
import { decodeOperation } from "../protocol/objects/operations.ts";
import type { AnchorPlace, HistoryLine, Submission, WalletChain, WalletNode } from "../wallet/ports.ts";

/** As many objects of a window as a state worker gives at a time. */
const OBJECTS_PER_REQUEST = 1000;

/** A running node, or the data of a stopped one. */
type StateOwner = Pick<RunningNode, "state">;

export function walletChain(node: StateOwner): WalletChain {
  const header = async (window: bigint): Promise<ProposalHeader | undefined> => {
    const [bytes] = await node.state.ask("headers", { first: window, count: 1 });
    return bytes === undefined ? undefined : proposalHeader.decode(bytes);
  };
  return {
    accounts: (ids) => node.state.ask("accounts", ids),
    history: (subject, count, cursor) => readHistory(node, subject, count, cursor),
    async operation(opHash) {
      const [found] = await node.state.ask("objectsById", [opHash]);
      return found?.kind === "operation" ? decodeOperation(found.bytes) : undefined;
    },
    header,
    async anchorMaterial(place) {
      const { sender, window } = place;
      if (window === 0n) return undefined;
      const [headerBefore, own, ground] = await Promise.all([
        header(window - 1n),
        header(window),
        node.state.ask("anchorGround", { sender, window }),
      ]);
      const bundles = await bundlesOf(node, place);
      if (headerBefore === undefined || own === undefined || ground === undefined || bundles.length === 0) {
        return undefined;
      }
      return { headerBefore, header: own, ...ground, bundles };
    },
  };
}

/** What is asked of a node that has stopped, or is between two runs, is asked again later. */
export const isWithoutRun = (error: unknown): boolean =>
  error instanceof ProtocolError && (error.code === "node-stopped" || error.code === "node-not-ready");

export function walletNode(node: RunningNode): WalletNode {
  return {
    async submit(operation): Promise<Submission> {
      if (!node.isLive) return { verdict: "unavailable" };
      try {
        return submissionOf(await node.submit(operationMessage(operation)));
      } catch (error) {
        if (isWithoutRun(error)) return { verdict: "unavailable" };
        throw error;
      }
    },
  };
}

function submissionOf(verdict: Verdict): Submission {
  switch (verdict.verdict) {
    case "accept":
    case "hold":
      return { verdict: "accepted" };
    case "ignore":
      return { verdict: verdict.code === "duplicate" ? "accepted" : "unavailable" };
    case "reject":
      return { verdict: "refused", failure: verdict.code };
  }
}

async function readHistory(node: StateOwner, subject: Hash32, count: number, cursor?: number) {
  const lines: HistoryLine[] = [];
  for (let before = cursor; lines.length < count;) {
    const page = await node.state.ask("history", {
      ...{ subject, count: count - lines.length },
      ...(before === undefined ? {} : { before }),
    });
    lines.push(...page);
    before = page.at(-1)?.cursor;
    if (before === undefined) break;
  }
  return lines;
}

/** Bundles of `window` are stored with the window itself and, those that its proposal names, with the next one. */
async function bundlesOf(node: StateOwner, { opHash, window }: AnchorPlace) {
  const found = new Map<string, ReturnType<typeof bundledConfirmation.decode>>();
  for (const stored of [window, window + 1n]) {
    for (let first = 0; ; first += OBJECTS_PER_REQUEST) {
      const objects = await node.state.ask("windowObjects", { window: stored, first, count: OBJECTS_PER_REQUEST });
      for (const { kind, bytes } of objects) {
        if (kind !== "bundle") continue;
        const bundle = decode(bundledConfirmation.codec, bytes);
        const lists = bundle.windowIndex === window && bundle.opHashes.some((hash) => equalBytes(hash, opHash));
        if (lists) found.set(byteKey(bundle.nodeId), bundle);
      }
      if (objects.length < OBJECTS_PER_REQUEST) break;
    }
  }
  return [...found.values()];
}
