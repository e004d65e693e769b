/** Simulated time: a queue of what happens when. Equal times happen in the order in which they were asked for. */
interface Entry {
  readonly time: number;
  readonly order: number;
  readonly run: () => void;
}

export class Clock {
  readonly #heap: Entry[] = [];
  #order = 0;
  /** In ms since the start of the run. */
  now = 0;

  after(delay: number, run: () => void): void {
    this.#push({ time: this.now + delay, order: this.#order++, run });
  }

  /** Runs what is due next; false when nothing is left. */
  advance(): boolean {
    const entry = this.#pop();
    if (entry === undefined) return false;
    this.now = entry.time;
    entry.run();
    return true;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isBefore(heap[parent]!, entry)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (isBefore(last, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}
