/** Chance from a seed: the same numbers on every machine, and for every case on its own, so that one case can be replayed alone. */

/** sfc32: 128 bits of state, fast on 32-bit integers. Not for secrets. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** `labels` tell streams of one seed apart: the name of a decoder, what the stream is for, the number of a case. */
  constructor(seed: number, ...labels: readonly (string | number)[]) {
    this.#a = hashLabels(seed, labels, 0x9e3779b9);
    this.#b = hashLabels(seed, labels, 0x243f6a88);
    this.#c = hashLabels(seed, labels, 0xb7e15162);
    for (let i = 0; i < 12; i++) this.u32();
  }

  u32(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0;
    return result >>> 0;
  }

  /** 0 ≤ result < `limit` ≤ 2^32. */
  below(limit: number): number {
    return Math.floor((this.u32() / 2 ** 32) * limit);
  }

  /** True once in `among`. */
  once(among: number): boolean {
    return this.below(among) === 0;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** 0 ≤ result < `limit`; each order of magnitude is as likely as the next. */
  small(limit: number): number {
    return Math.min(limit - 1, Math.floor(limit ** (this.u32() / 2 ** 32) - 1 + this.u32() / 2 ** 32));
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.fill(bytes);
    return bytes;
  }

  fill(bytes: Uint8Array): void {
    let i = 0;
    for (; i + 4 <= bytes.length; i += 4) {
      const word = this.u32();
      bytes[i] = word;
      bytes[i + 1] = word >>> 8;
      bytes[i + 2] = word >>> 16;
      bytes[i + 3] = word >>> 24;
    }
    for (; i < bytes.length; i++) bytes[i] = this.u32();
  }

  /** 0 ≤ result < 2^bits: any value, a small one, or one next to a power of two, where implementations differ. */
  uint(bits: number): bigint {
    const limit = 1n << BigInt(bits);
    switch (this.below(4)) {
      case 0:
        return BigInt(this.below(4));
      case 1: {
        const near = (1n << BigInt(this.below(bits + 1))) + BigInt(this.below(3)) - 1n;
        return near < limit ? near : limit - 1n;
      }
      default: {
        let value = 0n;
        for (let left = bits; left > 0; left -= 32) value = (value << 32n) | BigInt(this.u32());
        return value & (limit - 1n);
      }
    }
  }
}

function hashLabels(seed: number, labels: readonly (string | number)[], start: number): number {
  let hash = mix(start ^ seed);
  for (const label of labels) {
    if (typeof label === "number") {
      hash = mix(hash ^ (label | 0));
      hash = mix(hash ^ Math.floor(label / 2 ** 32));
    } else {
      for (let i = 0; i < label.length; i++) hash = mix(hash ^ label.charCodeAt(i));
    }
  }
  return hash;
}

/** The finaliser of MurmurHash3: every bit of the input moves every bit of the result. */
function mix(value: number): number {
  let hash = (value + 0x9e3779b9) | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
