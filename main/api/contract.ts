/**
 * The one contract between the host and whoever looks at it: page, command line, scripts. The host checks every procedure's
 * input and output against it.
 *
 * Amounts are decimal strings of nɈ (10⁻⁹ Ɉ). Windows, iterations and counts are numbers below 2^53, times milliseconds since
 * 1970 by the host's clock. Hashes, ids and keys are lower-case hex. What is not known is null, never a zero.
 */
import { z } from "zod";

import { ROLES } from "../wallet/person.ts";
import { SHOWN_STATES } from "../wallet/trackedOperation.ts";
import { exitContract } from "./exitContract.ts";
import { identityContract } from "./identityContract.ts";
import { networkContract } from "./networkContract.ts";
import { pageContract } from "./pageContract.ts";
import { preferences, preferencesContract } from "./preferencesContract.ts";
import { count, done, mutation, nothing, notice, query, subscription, type Procedure } from "./procedure.ts";
import { tunnelEvent, tunnelFigures, vpnContract } from "./vpnContract.ts";

export { notice } from "./procedure.ts";

/** Raised when a client of an older program could misread an answer. `ping` and `stop` stay as they are in every version. */
export const API_VERSION = 1;

/** A proof of where an anchor stands holds the Node Table and a quorum of its bundles: 4.4 KB a node. */
const PROOF_BYTES_MAX = 4_194_304;
/** Of an HTTP request body: a picture of 8 MiB in base64, the longest that is taken, and something around it. */
export const BODY_BYTES_MAX = 11_272_192;
export const HISTORY_PAGE_MAX = 200;

const hex = (bytes: number) =>
  z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`), `must be ${2 * bytes} hex digits`);
const hash = hex(32);
const window = count;
const amount = z.string().regex(/^(0|[1-9][0-9]{0,38})$/, "must be a decimal string of nɈ");
/** What may be taken from an account: above 0. */
const payment = amount.refine((text) => text !== "0", "must be above 0");
/** As a person enters it: an address, a montana: link or 64 hex digits. */
const account = z.string().min(1).max(200);
const path = z.string().min(1).max(4096);
/** Of a person's two accounts: that of the words, and that of the node key. */
const role = z.enum(ROLES);
const param = z.union([z.string(), z.number(), z.boolean()]);

const ping = z.object({
  apiVersion: z.int(),
  version: z.string(),
  pid: z.int(),
  startedAtMs: z.number(),
});

/** Chapter 05 §6.4; `stopped` where no node runs. */
const phase = z.enum(["stopped", "Bootstrap", "CandidateVdf", "Registered", "Active"]);

const candidate = z.object({
  /** Iterations of the own chain behind it and in all. */
  done: count,
  total: count,
  /** Iterations of one window of it: `total` is a whole number of them. */
  d: count,
  /** Until registration, by own speed and the network's windows; null until both are measured. */
  etaSeconds: z.number().nullable(),
  /** Until the expected admission, the queue included; null as `etaSeconds`. */
  admissionSeconds: z.number().nullable(),
  /** How long it may still stand before its chain becomes void; null until measured. */
  pausableSeconds: z.number().nullable(),
  startWindow: window,
  /** Finished, and its registration is sent in each window until one applies it. */
  isPublishing: z.boolean(),
  isPaused: z.boolean(),
  /** Why it does not run although nobody paused it: on battery, say. */
  waitsFor: z.string().nullable(),
});

/** What the person wants of the own candidacy, and how it is to run. */
const candidacy = z.object({
  /** Asked to become a node and neither registered nor admitted yet: a chain runs, or begins by itself when it can. */
  isWanted: z.boolean(),
  cpuShare: z.number().gt(0).max(1),
  onMainsOnly: z.boolean(),
  isLowPriority: z.boolean(),
  keepsAwake: z.boolean(),
});

const queue = z.object({
  /**
   * From 1. Null where candidates are admitted by lot: who comes before whom in a draw follows from the network's time in the
   * window of that draw, which nobody knows before.
   */
  position: z.int().min(1).nullable(),
  length: z.int().min(1),
  /** Of a draw by lot; null where candidates are admitted in turn. */
  nextDrawWindow: window.nullable(),
  /** By lot, the window in which it is to be expected on average. */
  expectedWindow: window,
  registrationWindow: window,
});

const status = ping.extend({
  /** Null where the host has none. */
  network: z.string().nullable(),
  profile: z.enum(["spec", "rc1"]).nullable(),
  /** A command started this host because it needed one: it ends with the tunnel. */
  isBackground: z.boolean(),
  /** Whether the data directory holds one, also one that cannot be used. */
  hasIdentity: z.boolean(),
  /** `none`: never started on this data directory, or stopped by the person. */
  nodeState: z.enum(["none", "starting", "running", "stopping"]),
  /** Why the last start of the node failed; null while it starts or runs. */
  nodeFault: notice.nullable(),
  phase,
  /** The last window that was decided and applied. */
  window: window.nullable(),
  /** When it was applied, so that whoever shows the rest can show its age. */
  windowAtMs: z.number().nullable(),
  stateRoot: hash.nullable(),
  /** All of the person's accounts together. */
  balance: amount.nullable(),
  supply: amount.nullable(),
  peers: count,
  candidate: candidate.nullable(),
  /** Null where no node runs. */
  candidacy: candidacy.nullable(),
  queue: queue.nullable(),
  /** Of what keeps the node from being in step with the network: opening its store, taking a snapshot, catching up. Null when it is. */
  progress: z
    .object({
      what: z.enum(["open", "catch-up", "snapshot"]),
      done: z.number(),
      total: z.number().nullable(),
      unit: z.string(),
    })
    .nullable(),
  isAccountUnlocked: z.boolean(),
  /** Node ids of candidates in the pool whose chain this node let pass without checking it, since it started. */
  unverifiedCandidates: z.array(hash),
  /**
   * Connected nodes that owe an answer, with the time at which they were last heard: what is shown of them may not hold. Each
   * by the city in which the network says that it stands; null where that is not known.
   */
  silentNodes: z.array(z.object({ city: z.string().max(64).nullable(), sinceMs: z.number() })),
  notices: z.array(notice),
});

const time = z.object({
  window,
  timechainValue: hash,
  /** Iterations of the window that is being computed. */
  d: count,
  /** Of the last windows; null until one is measured. */
  meanWindowSeconds: z.number().nullable(),
});

const inspection = z.object({
  accountId: hash,
  nodeId: hash,
  address: z.string(),
  peerId: z.string(),
});

const joinSettings = z.object({
  /** Of one core, 0 excluded. */
  cpuShare: z.number().gt(0).max(1).optional(),
  onMainsOnly: z.boolean().optional(),
  isLowPriority: z.boolean().optional(),
  keepsAwake: z.boolean().optional(),
  /** Start although the speed test says that this computer will miss the deadline. */
  startsAnyway: z.boolean().optional(),
  /** The earliest window in which the chain may begin; forgotten with a restart of the host. */
  notBefore: count.optional(),
});

const chosen = {
  /** Whether chains of foreign candidates are recomputed where that is short enough (chapter 05 §4.3). */
  candidateVdfCheck: z.enum(["auto", "full", "none"]),
  /** While a candidate, take T from decided headers and compute the own chain alone (chapter 03 §4.3). */
  followsTime: z.enum(["auto", "yes", "no"]),
};
const settings = z.object({
  ...chosen,
  /** What `auto` comes to here. */
  inForce: z.object({ candidateVdfCheck: z.enum(["full", "none"]), followsTime: z.boolean() }),
});

const balance = z.object({
  total: amount,
  /** What can be sent now: an account with an operation under way waits for it. */
  available: amount,
  accounts: z.array(
    z.object({
      role,
      accountId: hash,
      address: z.string(),
      /** False for one that the state does not hold (yet). */
      exists: z.boolean(),
      balance: amount,
    }),
  ),
  window: window.nullable(),
});

/**
 * Chapter 04 §4.12; `queued` waits for the own operation before it, `cancelled` was taken back by the person, and an `expired`
 * one stays valid until it is sent again or cancelled.
 */
const operationState = z.enum(SHOWN_STATES);

const historyEntry = z.object({
  /** Names the entry for good; also the cursor of the page after it. */
  id: z.string().max(128),
  kind: z.enum(["transfer", "create", "change-key", "anchor", "emission", "bonus"]),
  direction: z.enum(["in", "out", "self"]),
  state: operationState,
  /** What ended it without an effect: a code. */
  reason: z.string().nullable(),
  window: window.nullable(),
  accountId: hash,
  counterparty: hash.nullable(),
  amount: amount.nullable(),
  opHash: hash.nullable(),
});

const operation = z.object({
  opHash: hash.nullable(),
  /** Stays, also when the operation must be signed anew; the history knows it by the same. */
  id: hash,
  state: operationState,
  reason: z.string().nullable(),
});

/**
 * A name that the caller chooses for what it orders, as a random text: an order that comes again under the same name, because
 * its answer was lost, is carried out once and answered with what became of it.
 */
const order = z.string().min(1).max(128).optional();

/** What a receiver without an account makes and a sender opens: a link, or the texts of its pictures, one a line. */
const accountRequest = z.string().min(1).max(8192);

/** A key of this identity, by the role of its account, or the one in an account request. */
const newKey = accountRequest;
const challenge = hex(2019);
const possession = hex(3309);

const bonusWay = z.enum(["money", "change-key"]);
const bonusOffer = z.object({
  accountId: hash,
  address: z.string(),
  balance: amount,
  ways: z.array(
    z.object({
      way: bonusWay,
      /** Of `money`: where it goes, whether that creates the account, from which window on, and what that costs in patience. */
      to: z.string().nullable(),
      creates: z.boolean(),
      earliestWindow: window.nullable(),
      cooldownWindows: count.nullable(),
      /** What the node earns later lands where the bonus did. */
      laterRewardsStay: z.boolean(),
      warnings: z.array(notice),
    }),
  ),
});

const anchor = z.object({ appId: hash, dataHash: hash });
const foundAnchor = anchor.extend({
  opHash: hash,
  sender: hash,
  window,
  /** The proof that others check without this node (chapter 04 §4.14), hex; null while it cannot be made yet. */
  proof: z.string().nullable(),
});

const taskKind = z.enum(["check", "backup"]);
const task = z.object({
  id: z.string().max(64),
  kind: taskKind,
  state: z.enum(["running", "done", "failed", "cancelled"]),
  /** Null where the whole is not known yet. */
  progress: z.object({ done: z.number(), total: z.number().nullable(), unit: z.string() }).nullable(),
  result: z.record(z.string(), param).nullable(),
  error: notice.nullable(),
});

/** Where a subscriber was: run of the host and number, as in `event.cursor`. */
const cursor = z.string().regex(/^[0-9a-f]{16}-(0|[1-9][0-9]{0,14})$/, "must be the cursor of an event");

const snapshot = z.object({
  status,
  tasks: z.array(task),
  /** Null where the host has none. */ tunnel: tunnelEvent.nullable(),
});

/** Payloads say how things are, not what changed: one that comes twice does no harm. */
const event = z.discriminatedUnion("kind", [
  eventOf("snapshot", snapshot),
  eventOf("window-closed", status),
  eventOf("status", status),
  eventOf("task", task),
  eventOf("history", historyEntry),
  eventOf("notice", notice),
  /** The tunnel's state, city or what should be known of it has changed. */
  eventOf("tunnel", tunnelEvent),
  /** Once a second while it is connected, for those alone who asked for figures. */
  eventOf("tunnel-figures", tunnelFigures),
  /** All of them, after a change. */
  eventOf("preferences", preferences),
]);

function eventOf<K extends string, P extends z.ZodType>(kind: K, payload: P) {
  return z.object({ seq: count, cursor, kind: z.literal(kind), payload });
}

export const contract = {
  ping: query(nothing, ping),
  /** Answers, then ends the host. */
  stop: mutation(nothing, done),
  status: query(nothing, status),
  time: query(nothing, time),
  inspect: query(nothing, inspection),
  /** In the text format of Prometheus. */
  metrics: query(nothing, z.string()),
  /** First a snapshot, unless `since` can be followed; then every event in order. A gap brings a new snapshot. */
  events: subscription(
    z.object({
      since: cursor.optional(),
      /** Set by the wire when it reconnects. */
      lastEventId: cursor.optional(),
      /** Also the tunnel's live figures. */
      figures: z.boolean().default(false),
    }),
    event,
  ),

  /** Begins or goes on; with other settings while it runs. */
  join: mutation(joinSettings, done),
  /** Gives the candidate chain up. */
  leave: mutation(nothing, done),
  pause: mutation(nothing, done),
  resume: mutation(nothing, done),

  settings: query(nothing, settings),
  /** What is left out stays. Gives all. */
  setSettings: mutation(z.object(chosen).partial(), settings),

  /** For `seconds`, or until {@link lock}. */
  unlock: mutation(z.object({ passphrase: z.string().min(1).max(1024), seconds: z.int().min(1).max(86_400) }), done),
  lock: mutation(nothing, done),

  balance: query(nothing, balance),
  /** Newest first; `before` is the last entry of the page before. */
  history: query(
    z.object({ before: z.string().max(128).optional(), limit: z.int().min(1).max(HISTORY_PAGE_MAX).default(50) }),
    z.object({ entries: z.array(historyEntry), hasMore: z.boolean() }),
  ),
  /** `to` an account that exists, or `request` of a receiver that has none yet. From `from`, or from what has enough. */
  send: mutation(
    z
      .object({
        to: account.optional(),
        request: accountRequest.optional(),
        amount: payment,
        from: role.optional(),
        order,
      })
      .refine(({ to, request }) => (to === undefined) !== (request === undefined), "needs either `to` or `request`"),
    operation,
  ),
  /** Takes an operation back: gives it, cancelled, or where others may have it the one that is to take its place. */
  cancelOperation: mutation(z.object({ id: hash }), operation),
  /** Only what is `expired`. */
  sendAgain: mutation(z.object({ id: hash }), operation),
  /** `note` is for the sender's eyes, at most 280 bytes; `pictures` are texts for QR codes, one after the other. */
  createRequest: mutation(
    z.object({ amount: payment.optional(), note: z.string().max(280).optional() }),
    z.object({ request: accountRequest, pictures: z.array(z.string()) }),
  ),
  openRequest: query(
    z.object({ request: accountRequest }),
    z.object({
      accountId: hash,
      address: z.string(),
      exists: z.boolean(),
      amount: payment.nullable(),
      note: z.string().nullable(),
    }),
  ),

  /** What another key for the account would mean. Whoever holds the new key signs `challenge`: {@link proveKey}. */
  planKeyChange: query(
    z.object({ role, key: newKey }),
    z.object({ accountId: hash, challenge, warnings: z.array(notice) }),
  ),
  /** `possession` is the proof for the plan's challenge; keys of this identity need none. */
  changeKey: mutation(z.object({ role, key: newKey, possession: possession.optional(), order }), operation),
  /** For another identity, whose account is to get a key of this one. */
  proveKey: mutation(z.object({ challenge }), z.object({ possession })),
  /** A newcomer's bonus lies on the account of the node key; null where nothing lies there. */
  bonusOffer: query(nothing, z.object({ offer: bonusOffer.nullable() })),
  moveBonus: mutation(z.object({ way: bonusWay, order }), operation),

  writeAnchor: mutation(anchor.extend({ order }), operation),
  /** Those of an application, newest first. */
  readAnchors: query(
    z.object({ appId: hash, dataHash: hash.optional(), limit: z.int().min(1).max(HISTORY_PAGE_MAX).default(50) }),
    z.object({ anchors: z.array(foundAnchor) }),
  ),
  verifyAnchor: query(
    z.object({
      proof: z
        .string()
        .regex(/^([0-9a-f]{2})+$/, "must be hex")
        .max(2 * PROOF_BYTES_MAX),
    }),
    anchor.extend({ opHash: hash, sender: hash, window, isValid: z.boolean(), reason: z.string().nullable() }),
  ),

  /** Both give a task at once; its progress comes as events. */
  check: mutation(nothing, task),
  /** `directory` must not be there yet. */
  backup: mutation(z.object({ directory: path }), task),
  task: query(z.object({ id: z.string().max(64) }), task),
  cancelTask: mutation(z.object({ id: z.string().max(64) }), task),

  ...identityContract,
  ...networkContract,
  ...preferencesContract,
  ...vpnContract,
  ...exitContract,
  ...pageContract,
} satisfies Record<string, Procedure>;

export type Contract = typeof contract;
export type Output<N extends keyof Contract> = z.output<Contract[N]["output"]>;
/** As the host sees it: defaults filled in. */
export type Input<N extends keyof Contract> = z.output<Contract[N]["input"]>;

export type Status = Output<"status">;
export type Notice = z.output<typeof notice>;
export type Task = z.output<typeof task>;
export type TaskKind = z.output<typeof taskKind>;
export type Snapshot = z.output<typeof snapshot>;
export type HostEvent = z.output<typeof event>;
export type HistoryEntry = z.output<typeof historyEntry>;
