/** What is remembered of peers over reconnects, bounded: the one not asked for the longest goes first. */
export class LeastRecentMap<Value> {
  readonly #values = new Map<string, Value>();
  readonly #sizeMax: number;

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  /** The value of `key`, made where there is none. */
  get(key: string, make: () => Value): Value {
    const value = this.#values.get(key) ?? make();
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size > this.#sizeMax) this.#values.delete(this.#values.keys().next().value!);
    return value;
  }

  peek(key: string): Value | undefined {
    return this.#values.get(key);
  }

  delete(key: string): void {
    this.#values.delete(key);
  }
}
