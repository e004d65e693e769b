/** The part of the contract about the city that this machine itself runs. Its answers are for the operator: they hold the link. */
import { z } from "zod";

import { count, mutation, nothing, notice, query } from "./procedure.ts";

const PEM_MAX = 65_536;
const DRAIN_SECONDS_MAX = 2_592_000;

const name = z.string().min(1).max(253);
const port = z.int().min(1).max(65_535);
const bytes = z.int().min(1);

const place = z.object({
  code: z.string(),
  node: z.string(),
  name: z.object({ en: z.string(), ru: z.string() }),
  country: z.string(),
  region: z.string(),
  lat: z.number(),
  lon: z.number(),
});

const status = z.object({
  state: z.enum(["none", "stopped", "starting", "serving", "capped", "draining", "withdrawn", "failed"]),
  kind: z.enum(["exit", "relay"]).nullable(),
  city: place.nullable(),
  /** The share URL that is published while the city serves. */
  link: z.string().nullable(),
  isPublished: z.boolean(),
  /** Path of `my-vpn.json`. */
  publication: z.string().nullable(),
  /** The published one first. */
  ports: z.array(port),
  /** Accounts that are accepted, the published one first. */
  accounts: z.array(z.object({ port, shortId: z.string(), untilMs: z.number().nullable() })),
  drainUntilMs: z.number().nullable(),
  decoy: z
    .object({
      name: z.string(),
      state: z.enum(["unknown", "ok", "failing", "unfit"]),
      sinceMs: z.number().nullable(),
      lastOkMs: z.number().nullable(),
    })
    .nullable(),
  /** Of the month (UTC), as clients sent and got it; the host's network carries each byte twice. */
  usage: z.object({ month: z.string(), bytesUp: count, bytesDown: count, bytesMax: bytes.nullable() }).nullable(),
  /** `open` is null where the system does not tell. */
  connections: z.object({ open: count.nullable(), max: count.nullable(), isRefusing: z.boolean() }).nullable(),
  /** With the commands for whoever has the right that this program lacks. */
  rate: z.object({ device: z.string(), mbit: count, isInForce: z.boolean(), commands: z.array(z.string()) }).nullable(),
  notices: z.array(notice),
});

const wish = z.object({
  city: z.string().min(1).max(128).optional(),
  country: z.string().length(2).optional(),
  code: z.string().max(3).optional(),
  node: z.string().max(32).optional(),
  host: name.optional(),
  port: port.optional(),
  listen: name.optional(),
  primary: z.boolean().optional(),
  decoy: z.object({ name, host: name, port, certificate: z.string().max(PEM_MAX).nullable() }).optional(),
  relayOf: z.string().max(2048).optional(),
  monthlyBytes: bytes.nullable().optional(),
  connections: z.int().min(1).nullable().optional(),
  rate: z
    .object({ device: z.string().regex(/^[A-Za-z0-9._-]{1,15}$/), mbit: z.int().min(1).max(1_000_000) })
    .nullable()
    .optional(),
  practice: z
    .object({
      leavesFrom: name.nullable(),
      hosts: z.array(z.object({ name, address: name })).max(64),
    })
    .optional(),
  publishTo: z.string().min(1).max(4096).optional(),
});

export const exitContract = {
  exitStatus: query(nothing, status),
  /** Makes this machine a city, brings one back that was withdrawn, or changes what is given. `decoy` is null where it was not looked at. */
  exitInit: mutation(
    wish,
    z.object({
      status,
      decoy: z.object({ flightBytes: count, roundTripMs: z.number(), isPostQuantum: z.boolean() }).nullable(),
    }),
  ),
  exitRotate: mutation(
    z.object({
      overlapSeconds: z.int().min(0).max(DRAIN_SECONDS_MAX).optional(),
      newKey: z.union([z.object({ port }), z.literal("cut-over")]).optional(),
    }),
    status,
  ),
  exitWithdraw: mutation(z.object({ drainSeconds: z.int().min(0).max(DRAIN_SECONDS_MAX).optional() }), status),
  exitRemove: mutation(nothing, status),
};
