/**
 * What waits to be sent to one peer. Votes and headers go before bodies, these before bundles and reveals, and all before
 * operations. When it is full, what is less urgent makes room, the oldest of the least urgent first; where nothing is less
 * urgent, the newcomer is dropped: senders repeat what an undecided window needs.
 */
import { QUEUE_BYTES_MAX, QUEUE_OBJECTS_MAX } from "./limits.ts";
import { PRIORITIES, type Described, type GossipObject, type Priority } from "./object.ts";

export interface Queued extends GossipObject {
  readonly described: Described;
  /** The peer may have dropped what it had: it goes out even if it is known to it. */
  readonly isRepeated: boolean;
}

export class SendQueue {
  readonly #byPriority: readonly Map<string, Queued>[] = PRIORITIES.map(() => new Map<string, Queued>());
  #objects = 0;
  #bytes = 0;

  get size(): number {
    return this.#objects;
  }

  /** False where there is no room; true also where it waits already. */
  push(queued: Queued): boolean {
    const { id, priority } = queued.described;
    const queue = this.#byPriority[priority]!;
    const waiting = queue.get(id);
    if (waiting !== undefined) {
      if (queued.isRepeated) queue.set(id, { ...waiting, isRepeated: true });
      return true;
    }
    if (!this.#makeRoom(queued.payload.length, priority)) return false;
    queue.set(id, queued);
    this.#count(queued, 1);
    return true;
  }

  /** The most urgent, oldest first. */
  shift(): Queued | undefined {
    if (this.#objects === 0) return undefined;
    const queue = this.#byPriority.find(({ size }) => size > 0)!;
    return this.#take(queue, queue.values().next().value!);
  }

  #makeRoom(bytes: number, priority: Priority): boolean {
    const isFull = (): boolean => this.#objects >= QUEUE_OBJECTS_MAX || this.#bytes + bytes > QUEUE_BYTES_MAX;
    for (const queue of this.#byPriority.slice(priority + 1).toReversed()) {
      while (isFull() && queue.size > 0) this.#take(queue, queue.values().next().value!);
    }
    return !isFull();
  }

  #take(queue: Map<string, Queued>, queued: Queued): Queued {
    queue.delete(queued.described.id);
    this.#count(queued, -1);
    return queued;
  }

  #count({ payload }: Queued, sign: 1 | -1): void {
    this.#objects += sign;
    this.#bytes += sign * payload.length;
  }
}
