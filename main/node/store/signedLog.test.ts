import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { SIGNED_LOG_FILE, SIGNED_MARK_FILE, SignedLog, type SignedKey } from "./signedLog.ts";
import { crypto, NETWORK, testFolder } from "./store.fixture.ts";

const vote = (window: bigint, round = 1): SignedKey => ({ kind: "vote", window, round, phase: 1 });
const object = (seed: number): Uint8Array => crypto.sha256(Uint8Array.of(seed));

async function withLog<T>(folder: string, use: (log: SignedLog) => Promise<T> | T): Promise<T> {
  const log = await SignedLog.open(folder, NETWORK);
  try {
    return await use(log);
  } finally {
    await log.close();
  }
}

async function codeOf(run: Promise<unknown>): Promise<string | undefined> {
  try {
    await run;
    return undefined;
  } catch (error) {
    return String((error as { code?: unknown }).code ?? error);
  }
}

async function filled(count: number): Promise<string> {
  const folder = testFolder();
  await withLog(folder, async (log) => {
    for (let i = 0; i < count; i++) await log.append(vote(BigInt(i)), object(i));
  });
  return folder;
}

describe("the log of signed objects", () => {
  test("finds every object again after it was opened anew, in the order of signing", async () => {
    const key = fc.record({
      kind: fc.constantFrom("bundle" as const, "reveal" as const, "header" as const, "vote" as const),
      window: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      round: fc.nat(255),
      phase: fc.nat(2),
    });
    const entries = fc.uniqueArray(fc.tuple(key, fc.uint8Array({ maxLength: 5000 })), {
      maxLength: 20,
      selector: ([{ kind, window, round, phase }]) => `${kind} ${window} ${round} ${phase}`,
    });
    await fc.assert(
      fc.asyncProperty(entries, async (list) => {
        const folder = testFolder();
        await withLog(folder, (log) => Promise.all(list.map(([at, bytes]) => log.append(at, bytes))));
        await withLog(folder, (log) => {
          expect(log.entries()).toEqual(list.map(([at, bytes]) => ({ key: at, object: bytes })));
          for (const [at, bytes] of list) expect(log.lookup(at)).toEqual(bytes);
        });
      }),
      { numRuns: 15 },
    );
  });

  test("never takes a second object for a key, not after a restart either", async () => {
    const folder = await filled(1);
    await withLog(folder, async (log) => {
      expect(await codeOf(log.append(vote(0n), object(7)))).toBe("already-signed");
      expect(await codeOf(log.append(vote(0n), object(0)))).toBeUndefined();
      expect(log.lookup(vote(0n))).toEqual(object(0));
      expect(statSync(join(folder, SIGNED_LOG_FILE)).size).toBeLessThan(200);
    });
  });

  test("signs nothing for a decided window and forgets it when it is rewritten", async () => {
    const folder = await filled(5);
    await withLog(folder, async (log) => {
      await log.decided(3n);
      expect(await codeOf(log.append(vote(2n, 9), object(1)))).toBe("window-already-decided");
      const appended = log.append(vote(9n), object(9));
      await Promise.all([log.compact(), appended]);
      await log.append(vote(10n), object(10));
    });
    await withLog(folder, async (log) => {
      expect(log.floor).toBe(3n);
      expect(log.entries().map(({ key }) => key.window)).toEqual([2n, 3n, 4n, 9n, 10n]);
      expect(await codeOf(log.append(vote(2n, 9), object(1)))).toBe("window-already-decided");
    });
  });

  test("drops what a crash cut off behind the last synced record, and nothing else", async () => {
    const folder = await filled(3);
    const path = join(folder, SIGNED_LOG_FILE);
    writeFileSync(path, new Uint8Array(30).fill(7), { flag: "a" });
    await withLog(folder, async (log) => {
      expect(log.tornBytes).toBe(30);
      expect(log.entries()).toHaveLength(3);
      await log.append(vote(3n), object(3));
    });
    await withLog(folder, (log) => {
      expect(log.tornBytes).toBe(0);
      expect(log.entries()).toHaveLength(4);
    });
  });

  test("keeps a complete record that was written but not yet marked", async () => {
    const folder = await filled(2);
    const mark = readFileSync(join(folder, SIGNED_MARK_FILE));
    await withLog(folder, (log) => log.append(vote(2n), object(2)));
    writeFileSync(join(folder, SIGNED_MARK_FILE), mark);
    await withLog(folder, (log) => {
      expect(log.entries()).toHaveLength(3);
    });
  });

  test("finishes a replacement that a crash interrupted before the mark", async () => {
    const folder = await filled(4);
    const mark = readFileSync(join(folder, SIGNED_MARK_FILE));
    await withLog(folder, async (log) => {
      await log.decided(2n);
      await log.compact();
    });
    writeFileSync(join(folder, SIGNED_MARK_FILE), mark);
    await withLog(folder, (log) => {
      expect(log.entries().map(({ key }) => key.window)).toEqual([1n, 2n, 3n]);
    });
    const path = join(folder, SIGNED_LOG_FILE);
    writeFileSync(join(folder, SIGNED_MARK_FILE), mark);
    truncateSync(path, statSync(path).size - 1);
    expect(await codeOf(SignedLog.open(folder, NETWORK))).toBe("signed-log-corrupted");
  });

  test("names damage anywhere: a flipped bit, a cut or missing file", async () => {
    const folder = await filled(4);
    const path = join(folder, SIGNED_LOG_FILE);
    const intact = readFileSync(path);
    for (let offset = 0; offset < intact.length; offset += 7) {
      const damaged = Uint8Array.from(intact);
      damaged[offset]! ^= 0x10;
      writeFileSync(path, damaged);
      expect(await codeOf(SignedLog.open(folder, NETWORK))).toBe("signed-log-corrupted");
    }
    for (const length of [0, 10, intact.length - 40, intact.length - 1]) {
      writeFileSync(path, intact.subarray(0, length));
      expect(await codeOf(SignedLog.open(folder, NETWORK))).toBe("signed-log-corrupted");
    }
    rmSync(path);
    expect(await codeOf(SignedLog.open(folder, NETWORK))).toBe("signed-log-missing");
    writeFileSync(path, intact);
    const mark = readFileSync(join(folder, SIGNED_MARK_FILE));
    rmSync(join(folder, SIGNED_MARK_FILE));
    expect(await codeOf(SignedLog.open(folder, NETWORK))).toBe("signed-log-mark-missing");
    writeFileSync(join(folder, SIGNED_MARK_FILE), mark.fill(1));
    expect(await codeOf(SignedLog.open(folder, NETWORK))).toBe("signed-log-mark-corrupted");
  });

  test("belongs to one network", async () => {
    const folder = await filled(1);
    expect(await codeOf(SignedLog.open(folder, crypto.sha256(new Uint8Array(5))))).toBe("wrong-network");
  });
});
