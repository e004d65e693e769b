/** Simulated links: delay, hence reordering, loss, duplication, links worse than others, partitions that may be one-way. */
import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

export interface LinkQuality {
  readonly delayMinMs: number;
  readonly delayMaxMs: number;
  readonly loss: number;
  readonly duplication: number;
}

export const GOOD_LINK: LinkQuality = { delayMinMs: 10, delayMaxMs: 120, loss: 0, duplication: 0 };

export class Network {
  readonly #clock: Clock;
  readonly #random: Random;
  quality: LinkQuality = GOOD_LINK;
  /** Of links that are not like the others, by {@link linkName}. */
  readonly special = new Map<string, LinkQuality>();
  /** Can a message go from one node to the other at this moment? */
  isBlocked: (from: number, to: number) => boolean = () => false;
  sent = 0;
  lost = 0;
  duplicated = 0;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Whether one message gets lost on its way. */
  loses(from: number, to: number): boolean {
    this.sent++;
    const { loss } = this.#qualityOf(from, to);
    if (!this.isBlocked(from, to) && !(loss > 0 && this.#random.chance(loss))) return false;
    this.lost++;
    return true;
  }

  /** Runs `deliver` when what is sent together at this moment arrives, perhaps twice. */
  carry(from: number, to: number, deliver: () => void): void {
    const { duplication, delayMinMs, delayMaxMs } = this.#qualityOf(from, to);
    const copies = duplication > 0 && this.#random.chance(duplication) ? 2 : 1;
    if (copies > 1) this.duplicated++;
    for (let copy = 0; copy < copies; copy++) {
      this.#clock.after(this.#random.between(delayMinMs, delayMaxMs), deliver);
    }
  }

  #qualityOf(from: number, to: number): LinkQuality {
    return this.special.size === 0 ? this.quality : (this.special.get(linkName(from, to)) ?? this.quality);
  }
}

export const linkName = (from: number, to: number): string => `${from} ${to}`;
