/**
 * Counts what a piece of code allocates, by standing between it and the constructors. Deterministic: the bytes of typed
 * arrays and buffers, and 8 bytes for each element that an array is made or grown with. What no constructor tells (objects,
 * strings, literals) is sampled on the heap of the engine, which is coarse but misses nothing that is large.
 */
import { getHeapStatistics } from "node:v8";

const ELEMENT_SIZE = 8;

const BUFFERS = ["ArrayBuffer", "SharedArrayBuffer"] as const;
const TYPED_ARRAYS = [
  ...(["Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array"] as const),
  ...(["Uint32Array", "Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array"] as const),
] as const;

type Callable = (this: unknown, ...args: unknown[]) => unknown;
type Constructor = new (...args: unknown[]) => object;

export interface Measured {
  /** Counted bytes. */
  readonly allocated: number;
  /** Growth of the heap; undefined where it was not asked for, or where a garbage collection hid it. */
  readonly heap: number | undefined;
}

/** While one is installed, the process runs slower; {@link Meter.uninstall} puts everything back. */
export class Meter {
  #isCounting = false;
  #allocated = 0;
  readonly #undo: (() => void)[] = [];

  static install(): Meter {
    const meter = new Meter();
    const count = (bytes: number): void => {
      if (meter.#isCounting) meter.#allocated += bytes;
    };
    const sizeOf = (made: unknown): number => (made as ArrayBufferView | ArrayBuffer).byteLength;
    const countMade = (made: unknown): void => {
      count(sizeOf(made));
    };
    const countElements = (made: unknown): void => {
      count(ELEMENT_SIZE * (made as readonly unknown[]).length);
    };

    // Before the constructors: `Array.from` makes its result through them otherwise, which would count twice.
    const { Array: PlainArray } = globalThis;
    meter.#replaceMethod(PlainArray, "from", countElements, PlainArray);
    for (const name of BUFFERS) meter.#replaceConstructor(name, countMade);
    for (const name of TYPED_ARRAYS) {
      meter.#replaceConstructor(name, (made, source) => {
        // A view of a buffer takes no memory of its own.
        if (!(source instanceof ArrayBuffer) && !(source instanceof SharedArrayBuffer)) countMade(made);
      });
    }
    meter.#replaceArray(countElements);
    const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
    for (const method of ["slice", "map", "filter", "toReversed", "toSorted", "with"]) {
      meter.#replaceMethod(typedArray, method, countMade);
    }
    meter.#replaceMethod(ArrayBuffer.prototype, "slice", countMade);
    meter.#replaceMethod(String.prototype, "split", countElements);
    meter.#replacePush(count);
    return meter;
  }

  uninstall(): void {
    for (const undo of this.#undo.reverse()) undo();
    this.#undo.length = 0;
  }

  /** What `work` allocates, also where it throws: the caller catches inside. */
  measure(work: () => void, samplesHeap: boolean): Measured {
    const heapBefore = samplesHeap ? getHeapStatistics().used_heap_size : 0;
    this.#allocated = 0;
    this.#isCounting = true;
    try {
      work();
    } finally {
      this.#isCounting = false;
    }
    const heap = samplesHeap ? getHeapStatistics().used_heap_size - heapBefore : -1;
    return { allocated: this.#allocated, heap: heap >= 0 ? heap : undefined };
  }

  #replaceConstructor(name: string, note: (made: object, firstArgument: unknown) => void): void {
    const globals = globalThis as unknown as Record<string, Constructor>;
    const original = globals[name]!;
    // Three parameters instead of a rest parameter, which costs an array each time; an absent one means the same as undefined.
    const counted = function (this: unknown, first: unknown, second: unknown, third: unknown): object {
      const isOurs = new.target === (counted as unknown);
      const made = isOurs
        ? new original(first, second, third)
        : Reflect.construct<unknown[], object>(original, [first, second, third], new.target as unknown as Constructor);
      note(made, first);
      return made;
    };
    this.#setConstructor(name, original, counted as unknown as Constructor);
  }

  /** Its arguments mean something else when there are two, and it may be called without `new`. */
  #replaceArray(note: (made: object) => void): void {
    const original = Array as unknown as Constructor;
    const counted = function (this: unknown, ...args: unknown[]): object {
      const target = ((new.target as unknown) ?? counted) as Constructor;
      const isOurs = target === (counted as unknown);
      const made = Reflect.construct<unknown[], object>(original, args, isOurs ? original : target);
      note(made);
      return made;
    };
    this.#setConstructor("Array", original, counted as unknown as Constructor);
  }

  #setConstructor(name: string, original: Constructor, replacement: Constructor): void {
    const globals = globalThis as unknown as Record<string, Constructor>;
    Object.setPrototypeOf(replacement, original);
    replacement.prototype = original.prototype as object;
    globals[name] = replacement;
    this.#undo.push(() => {
      globals[name] = original;
    });
  }

  #replaceMethod(owner: object, name: string, note: (made: unknown) => void, self?: object): void {
    const descriptor = Object.getOwnPropertyDescriptor(owner, name)!;
    const original = descriptor.value as Callable;
    this.#setMethod(owner, name, descriptor, function (first, second, third) {
      const made = original.call(self ?? this, first, second, third);
      note(made);
      return made;
    });
  }

  #replacePush(count: (bytes: number) => void): void {
    const owner = Array.prototype as unknown as object;
    const descriptor = Object.getOwnPropertyDescriptor(owner, "push")!;
    const original = descriptor.value as Callable;
    this.#setMethod(owner, "push", descriptor, function (...items) {
      count(ELEMENT_SIZE * items.length);
      return original.apply(this, items);
    });
  }

  #setMethod(owner: object, name: string, descriptor: PropertyDescriptor, value: Callable): void {
    Object.defineProperty(owner, name, { ...descriptor, value });
    this.#undo.push(() => {
      Object.defineProperty(owner, name, descriptor);
    });
  }
}
