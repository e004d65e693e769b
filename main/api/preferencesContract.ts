/** What a person chose about the program, kept by the host: a page has another origin at each start and forgets. */
import { z } from "zod";

import { mutation, nothing, query } from "./procedure.ts";

const FAVOURITES_MAX = 256;
const SEEN_MAX = 64;
const CSV_ROWS_MAX = 1000;
/** Of diagnostics: what a person still looks through. */
const DIAGNOSTICS_LENGTH_MAX = 262_144;

const chosen = {
  /** `system`: as the desktop says. */
  theme: z.enum(["system", "light", "dark"]),
  /** BCP 47; null for the desktop's own. */
  language: z
    .string()
    .regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$/, "must be a language tag")
    .nullable(),
  /** Ids of cities. */
  favourites: z.array(z.string().min(1).max(64)).max(FAVOURITES_MAX),
  /** The map without movement and with little detail; the list of cities first. */
  isMapReduced: z.boolean(),
  /** `system`: as the desktop says. */
  motion: z.enum(["system", "reduced"]),
  /** The desktop's own notifications. */
  notifies: z.boolean(),
  startsAtLogin: z.boolean(),
  /** The program looks for updates of itself, through the tunnel. */
  updatesItself: z.boolean(),
  /** What becomes of a running candidate chain when the person quits. */
  onQuit: z.enum(["ask", "keep", "stop"]),
  /** Moments that are shown once: names that the page chooses. */
  seen: z.array(z.string().min(1).max(64)).max(SEEN_MAX),
  /** In force at once; null for that of the host's start. */
  logLevel: z.enum(["error", "warn", "info", "debug"]).nullable(),
};
export const preferences = z.object(chosen);
export type Preferences = z.output<typeof preferences>;

export const preferencesContract = {
  preferences: query(nothing, preferences),
  /** What is left out stays. Durable when it answers; others are told by the event "preferences". */
  setPreferences: mutation(z.object(chosen).partial(), preferences),
  /**
   * What helps whoever helps: version, platform, status, settings, notices, newest lines of the log. Without keys, words,
   * addresses of people or machines and visited hosts; ids of accounts are shortened. What the person saw is what is saved.
   */
  diagnostics: query(
    nothing,
    z.object({ fileName: z.string().max(128), text: z.string().max(DIAGNOSTICS_LENGTH_MAX) }),
  ),
  /**
   * The history as CSV (RFC 4180), newest first, a page at a time: `before` is the `next` of the page before; the first page
   * begins with the names of the columns. `next` is null at the end.
   */
  historyCsv: query(
    z.object({ before: z.string().max(128).optional(), limit: z.int().min(1).max(CSV_ROWS_MAX).default(CSV_ROWS_MAX) }),
    z.object({ text: z.string(), next: z.string().max(128).nullable() }),
  ),
};
