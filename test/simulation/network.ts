/** Simulated links: delay, hence reordering, loss, duplication, partitions that may be one-way. */
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
  /** Can a message go from one node to the other at this moment? */
  isBlocked: (from: number, to: number) => boolean = () => false;
  sent = 0;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Delivers, perhaps late, twice or never. */
  send(from: number, to: number, deliver: () => void): void {
    this.sent++;
    const { loss, duplication, delayMinMs, delayMaxMs } = this.quality;
    if (from === to || this.isBlocked(from, to) || this.#random.chance(loss)) return;
    const copies = this.#random.chance(duplication) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      this.#clock.after(this.#random.between(delayMinMs, delayMaxMs), deliver);
    }
  }
}
