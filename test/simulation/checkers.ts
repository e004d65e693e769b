/** What must hold in every run (chapter 03 §9). The first violation ends it. */
import { byteKey, toHex } from "../../main/protocol/bytes.ts";
import type { Fault } from "../../main/consensus/effects.ts";
import type { DecidedWindow } from "../../main/consensus/material.ts";
import type { Signed } from "../../main/consensus/objects.ts";
import { signedKey } from "../../main/consensus/signedLog.ts";
import type { WindowResult } from "../../main/protocol/transition/applyWindow.ts";
import { operation as operationClass } from "../../main/protocol/objects/operations.ts";
import type { SimulatedNode } from "./node.ts";

export class Violation extends Error {}

interface Agreed {
  readonly hash: string;
  readonly stateRoot: string;
}

export class Checkers {
  /** Nodes whose doings are not judged. */
  readonly faulty = new Set<number>();
  readonly #agreed = new Map<bigint, Agreed>();
  readonly #signatures = new Map<string, string>();
  readonly #slots = new Map<string, string>();
  readonly #emission: bigint;
  readonly trace: string[] = [];

  constructor(emission: bigint) {
    this.#emission = emission;
  }

  committed(node: SimulatedNode, decided: DecidedWindow, result: WindowResult): void {
    if (this.faulty.has(node.index)) return;
    const window = decided.header.windowIndex;
    const agreed = { hash: toHex(decided.hash), stateRoot: toHex(result.roots.stateRoot) };
    const known = this.#agreed.get(window);
    this.trace.push(`${node.world.clock.now.toFixed(3)} ${node.index} ${window} ${agreed.hash.slice(0, 16)}`);
    if (known === undefined) this.#agreed.set(window, agreed);
    else if (known.hash !== agreed.hash) {
      throw new Violation(
        `two headers decided for window ${window}: ${known.hash}, and at node ${node.index} ${agreed.hash}`,
      );
    } else if (known.stateRoot !== agreed.stateRoot) {
      throw new Violation(`two states after window ${window}, one of them at node ${node.index}`);
    }
    if (toHex(decided.header.stateRoot) !== agreed.stateRoot) {
      throw new Violation(`node ${node.index} decided window ${window} with a state that is not the header's`);
    }
    const balance = node.disk.state.accounts.totalBalance;
    if (balance !== this.#emission * window) {
      throw new Violation(`after window ${window} the balances of node ${node.index} add up to ${balance}`);
    }
    this.#checkSlots(node, decided, result);
  }

  /** Two operations for one place behind one frontier never both settle. */
  #checkSlots(node: SimulatedNode, decided: DecidedWindow, result: WindowResult): void {
    const settled = new Set(result.events.settled.map(byteKey));
    for (const operation of decided.operations) {
      const opHash = byteKey(operationClass.identify(node.world.crypto, operation));
      if (!settled.has(opHash)) continue;
      const slot = byteKey(operation.sender) + byteKey(operation.prevHash);
      if ((this.#slots.get(slot) ?? opHash) !== opHash) {
        throw new Violation(`two operations of one slot settled, the second in window ${decided.header.windowIndex}`);
      }
      this.#slots.set(slot, opHash);
    }
  }

  /** An object was signed and is on disk, or may be: from here on it can leave its node. */
  signed(node: SimulatedNode, signed: Signed): void {
    if (this.faulty.has(node.index)) return;
    const key = `${node.index}/${signedKey(signed)}`;
    const signature = byteKey(signed.object.signature);
    if ((this.#signatures.get(key) ?? signature) !== signature) {
      throw new Violation(`node ${node.index} contradicted itself: ${key}`);
    }
    this.#signatures.set(key, signature);
  }

  reported(node: SimulatedNode, fault: Fault): void {
    if (this.faulty.has(node.index)) return;
    switch (fault.code) {
      case "certified-state-differs":
      case "adopted-time-differs":
      case "two-certificates":
        throw new Violation(`node ${node.index} stopped signing in window ${fault.window}: ${fault.code}`);
      case "own-signature-elsewhere":
        // Of decided windows the log forgets what it held.
        if (fault.object.object.windowIndex < node.disk.floor) return;
        throw new Violation(`node ${node.index} met an own signature that its log does not hold`);
      case "equivocation":
      case "invalid-proposal": {
        const culprit = node.world.nodes.find(({ member }) => byteKey(member.nodeId) === byteKey(fault.nodeId));
        if (culprit !== undefined && !this.faulty.has(culprit.index)) {
          const failure = fault.code === "invalid-proposal" ? fault.failure : "";
          throw new Violation(`node ${node.index} accuses the honest node ${culprit.index}: ${fault.code} ${failure}`);
        }
        return;
      }
      case "producer-header-refused":
      case "bad-window":
      case "protocol-version-unsupported":
        return;
    }
  }

  /** Who follows the rules gets along with everybody who does. */
  banned(node: SimulatedNode, peer: number, reason: string): void {
    if (this.faulty.has(node.index) || this.faulty.has(peer)) return;
    throw new Violation(`node ${node.index} bans the honest node ${peer}: ${reason}`);
  }

  halted(node: SimulatedNode, code: string): void {
    if (this.faulty.has(node.index)) return;
    throw new Violation(`node ${node.index} halted: ${code}`);
  }

  get decidedWindows(): number {
    return this.#agreed.size;
  }

  rootOf(window: bigint): string | undefined {
    return this.#agreed.get(window)?.stateRoot;
  }

  hashOf(window: bigint): string | undefined {
    return this.#agreed.get(window)?.hash;
  }
}
