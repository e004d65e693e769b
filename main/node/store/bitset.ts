/** A growing set of small whole numbers, one bit each. */
const FIRST_WORDS = 64;

export class Bitset {
  #words = new Uint32Array(FIRST_WORDS);

  set(member: number, isMember: boolean): void {
    const word = member >>> 5;
    if (word >= this.#words.length) {
      if (!isMember) return;
      const larger = new Uint32Array(Math.max(word + 1, 2 * this.#words.length));
      larger.set(this.#words);
      this.#words = larger;
    }
    const bit = 1 << (member & 31);
    if (isMember) this.#words[word]! |= bit;
    else this.#words[word]! &= ~bit;
  }

  /** Ascending. */
  *members(): Iterable<number> {
    for (let word = 0; word < this.#words.length; word++) {
      for (let bits = this.#words[word]!; bits !== 0; bits &= bits - 1) {
        yield 32 * word + 31 - Math.clz32(bits & -bits);
      }
    }
  }
}
