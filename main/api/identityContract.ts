/**
 * From nothing to a node: what joining would cost, an identity, and a node that is started and stopped while the host runs.
 * Words travel in the one answer that makes them and in the one request that takes them; the host keeps neither.
 */
import { z } from "zod";

import { count, done, mutation, nothing, notice, query } from "./procedure.ts";

export const WORDS_COUNT = 24;
/** The longest word of the list has 8 letters; what is longer is a slip that the answer names. */
const WORD_LENGTH_MAX = 64;

const id = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 hex digits");
const words = z.array(z.string().min(1).max(WORD_LENGTH_MAX)).length(WORDS_COUNT);
/** A name, or the path of a network file. */
const network = z.string().min(1).max(4096);

const identity = z.object({
  exists: z.boolean(),
  /** Why the identity that is there cannot be used: damaged, say, or of a newer program. The rest is null then. */
  fault: notice.nullable(),
  address: z.string().nullable(),
  accountId: id.nullable(),
  nodeId: id.nullable(),
  /** Six words by which two people compare an account. */
  fingerprint: z.string().nullable(),
  /** False for an identity whose words nobody has given back yet; null without one, and where it has no words. */
  areWordsConfirmed: z.boolean().nullable(),
  /** Where this computer keeps the key of the node. */
  machineKey: z.enum(["keychain", "credential", "file"]).nullable(),
  isUnlocked: z.boolean(),
});

const cost = z.object({
  /** Whose figures are meant: a network's name; "montana" unless one is chosen or asked for. */
  network: z.string(),
  /** Measured in this moment on this computer, of the slowest chain with all running that will run. */
  iterationsPerSecond: z.number().min(0),
  chains: z.int().min(1),
  backEnd: z.string(),
  kernel: z.string(),
  /** Iterations of a window. */
  d: count,
  /** Windows of the chain. */
  tau2Windows: count,
  /** Of a window of the network: measured where a node runs, else as its makers meant it. */
  windowSeconds: z.number(),
  /** Of a window's work on this computer. */
  segmentSeconds: z.number(),
  /** Hours a day that the computer must work on the chain to be in time; above 24 where it cannot. */
  hoursPerDay: z.number(),
  canMakeIt: z.boolean(),
  verdict: z.enum(["comfortable", "possible", "barely", "too-slow"]),
  /** Until it may register, day and night: with a whole core, and with half of one. Null where that misses the deadline. */
  chainSeconds: z.object({ full: z.number().nullable(), half: z.number().nullable() }),
  /** Of one core under full load, in all. */
  coreHours: z.number(),
  /** What that takes from the socket, at 4 to 15 watts a core: an estimate. */
  energyKwh: z.object({ low: z.number(), high: z.number() }),
  /** Both directions: an estimate by the number of nodes. */
  megabytesPerDay: z.number(),
});

export const identityContract = {
  identity: query(nothing, identity),
  /** 24 new words, kept nowhere: a second call gives others. */
  newWords: mutation(nothing, z.object({ words })),
  /**
   * Puts an identity into the data directory, for good: "identity-exists" where there is one. Words of {@link newWords}, of
   * this run of the host, make a new one, which counts as confirmed: whoever calls has had the person give them back. All
   * others restore one, whose node keeps quiet for a while, because it may be at work elsewhere; the host tells the two apart.
   * Words are taken in any case and with spaces around. Throws what is wrong with words and passphrase.
   */
  makeIdentity: mutation(z.object({ words, passphrase: z.string().min(1).max(1024) }), identity),
  /**
   * Starts the node on `network`, or on the chosen one, and remembers both for the next start of the host. Answers once it
   * runs, which may take minutes: meanwhile `status.nodeState` is "starting", with `status.progress`. What stands in the way is
   * the answer, and afterwards `status.nodeFault`. Where it runs already on that network nothing happens.
   */
  startNode: mutation(z.object({ network: network.optional() }), done),
  /** Until {@link startNode}, also over a restart of the host. A candidate chain stands meanwhile; nothing is lost. */
  stopNode: mutation(nothing, done),
  /** Takes about two seconds; needs neither identity nor node. Two at once are one. */
  speedTest: mutation(z.object({ network: network.optional() }), cost),
};
