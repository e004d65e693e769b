/**
 * What a network is and does, as this host's node knows it. Peers are named by their cities, never by addresses. Procedures
 * that look into the node's state answer "service-unavailable" without one.
 */
import { z } from "zod";

import { count, mutation, nothing, notice, query } from "./procedure.ts";

export const WINDOWS_SHOWN_MAX = 120;
export const ROWS_PAGE_MAX = 100;
const CITIES_SHOWN_MAX = 10_000;
const PEERS_SHOWN_MAX = 256;
const NETWORKS_MAX = 64;
/** A network file has at most so many characters (chapter 02 §5.1). */
const NETWORK_FILE_MAX = 1_048_576;

const id = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 hex digits");
const amount = z.string().regex(/^(0|[1-9][0-9]{0,38})$/, "must be a decimal string of nɈ");
const cityName = z.object({ en: z.string(), ru: z.string() });
const city = z.object({ id: z.string().max(64), name: cityName });

const nodeRow = z.object({
  nodeId: id,
  isSelf: z.boolean(),
  startWindow: count,
  /** Windows of presence. */
  chainLength: count,
  /** 0 at admission. */
  lastPresenceWindow: count,
  /** Where the network says it stands; null where that is not known. */
  city: city.nullable(),
});

const candidateRow = z.object({
  nodeId: id,
  isSelf: z.boolean(),
  startWindow: count,
  chainLength: count,
  registrationWindow: count,
  expiresWindow: count,
});

const rowsAsked = {
  /** The last row of the page before. */
  after: id.optional(),
  limit: z.int().min(1).max(ROWS_PAGE_MAX).default(50),
};

const peerRow = z.object({
  nodeId: id,
  city: city.nullable(),
  /** This node called it, not the other way round. */
  isOutbound: z.boolean(),
  /** In the Node Table. */
  isNode: z.boolean(),
});

/** A row of the network's own table, as it publishes it: city, phase, window, Node Table, balance. */
const cityRow = z.object({
  city,
  /** `relay`: it forwards to another city, and nobody knows of a node in it. */
  status: z.enum(["active", "no_data", "unreachable", "relay"]),
  phase: z.string().max(64).nullable(),
  window: count.nullable(),
  nodeTable: count.nullable(),
  balance: amount.nullable(),
});

const networkView = z.object({
  name: z.string(),
  profile: z.enum(["spec", "rc1"]),
  /** The last decided window and all that follows from it; null before the first. */
  window: count.nullable(),
  /** When it was decided here; null where the host came later. */
  windowAtMs: z.number().nullable(),
  timechainValue: id.nullable(),
  /** Iterations of the window that is being computed. */
  d: count,
  meanWindowSeconds: z.number().nullable(),
  /** 13 · (window + 1) Ɉ: what all windows have earned. */
  supply: amount.nullable(),
  /** What all accounts together hold: one window's emission less, for it is credited by the next. */
  credited: amount.nullable(),
  accounts: count,
  nodes: z.object({ count, rows: z.array(nodeRow).max(ROWS_PAGE_MAX) }),
  candidates: z.object({ count, rows: z.array(candidateRow).max(ROWS_PAGE_MAX) }),
  /** Of the last `windows` that are known: how many windows' emission went to newcomers. */
  emission: z.object({ windows: count, toNewcomers: count }),
  peers: z.array(peerRow).max(PEERS_SHOWN_MAX),
  /** The table that the network publishes of its cities, and when it was made; null where it publishes none. */
  table: z.object({ atMs: z.number(), rows: z.array(cityRow).max(CITIES_SHOWN_MAX) }).nullable(),
  sync: z.object({
    /** `alone`: a network of one node. `waiting`: nobody is connected. */
    state: z.enum(["opening", "snapshot", "catching-up", "live", "alone", "waiting"]),
    /** Windows behind the newest that others told of. */
    behind: count,
  }),
  /** In one line what this network can and cannot do yet. */
  ability: notice,
});

const windowRow = z.object({
  window: count,
  /** When this host saw it decided in step with the others; null for windows before that. */
  atMs: z.number().nullable(),
  timechainValue: id,
  /** Iterations to the next one; null where it is not known. */
  d: count.nullable(),
  /** Whose ticket won; null where nobody's did. */
  winner: id.nullable(),
  isOwnWin: z.boolean(),
  /** Who proposed it, and after how many that should have. */
  proposer: id,
  fallbackDepth: count,
  /** The candidate that was admitted in it and got its emission. */
  bonusTo: id.nullable(),
});

const activityRow = z.object({
  window: count,
  atMs: z.number().nullable(),
  /** The own bundle was included; null where the window's body is not kept. */
  isPresent: z.boolean().nullable(),
  /** The own reveal took part in the lottery. */
  hasRevealed: z.boolean().nullable(),
  hasWon: z.boolean(),
});

const networkList = z.object({
  /** For the next start of a node; null before one is chosen. */
  chosen: z.string().nullable(),
  /** The running node's. */
  running: z.string().nullable(),
  /** Whose cities the tunnel knows: while it leads through one of them, another network that is chosen waits for its end. */
  tunnel: z.string().nullable(),
  networks: z
    .array(
      z.object({
        name: z.string(),
        /** `practice`: several nodes on this computer. `solo`: a network of this node alone, made when it is first started. */
        origin: z.enum(["built-in", "practice", "entered", "solo"]),
        profile: z.enum(["spec", "rc1"]).nullable(),
        /** Windows of a candidate chain and iterations of a window; null for `solo` before it is made. */
        tau2Windows: count.nullable(),
        d: count.nullable(),
        /** A node of this data directory has worked on it. */
        hasData: z.boolean(),
        /** Its peers are not public: an operator's file must be brought first. */
        isManifestNeeded: z.boolean(),
        /** Why its file cannot be used. */
        fault: notice.nullable(),
      }),
    )
    .max(NETWORKS_MAX),
});

export const networkContract = {
  /** With the first rows of both tables; more by {@link nodeTable} and {@link candidatePool}. */
  networkView: query(z.object({ limit: rowsAsked.limit }), networkView),
  /** By node id. */
  nodeTable: query(z.object(rowsAsked), z.object({ rows: z.array(nodeRow).max(ROWS_PAGE_MAX), hasMore: z.boolean() })),
  candidatePool: query(
    z.object(rowsAsked),
    z.object({ rows: z.array(candidateRow).max(ROWS_PAGE_MAX), hasMore: z.boolean() }),
  ),
  /** Newest first. */
  recentWindows: query(
    z.object({ count: z.int().min(1).max(WINDOWS_SHOWN_MAX).default(60) }),
    z.object({ windows: z.array(windowRow).max(WINDOWS_SHOWN_MAX) }),
  ),
  /** What the own node did in the last windows, newest first, and since its admission; null where it is not in the Node Table. */
  activity: query(
    z.object({ count: z.int().min(1).max(WINDOWS_SHOWN_MAX).default(60) }),
    z.object({
      activity: z
        .object({
          startWindow: count,
          /** Windows of presence, of the windows since the start. */
          chainLength: count,
          windowsSinceStart: count,
          windows: z.array(activityRow).max(WINDOWS_SHOWN_MAX),
        })
        .nullable(),
    }),
  ),
  networks: query(nothing, networkList),
  /** Remembered for the next `startNode` and the next start of the host. "node-running" while one runs on another network. */
  chooseNetwork: mutation(z.object({ network: z.string().min(1).max(4096) }), networkList),
  /** Takes a network file, or the manifest that an operator gave, as text; its network can be chosen from then on. */
  addNetwork: mutation(z.object({ file: z.string().min(1).max(NETWORK_FILE_MAX) }), networkList),
};
