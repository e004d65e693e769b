/** What the client keeps of its subscriptions: the list, the last good body of each, the keys of cities. Corrupt is not empty. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import {
  HEADER_VALUE_MAX,
  PINNED_KEYS_MAX,
  PINNED_MAX,
  SHARE_LINK_MAX,
  SUBSCRIPTION_MAX,
} from "../../cities/limits.ts";
import type { Pins } from "../../cities/pins.ts";
import { count, listOf, nullable, oneOf, optional, record, text, type Reader, type Shape } from "../../cities/shape.ts";
import { readSealed, removeSealed, setAside, writeSealed } from "../../files/sealedFile.ts";

export const SUBSCRIPTIONS_MAX = 32;
export const LINKS_MAX = 1000;
/** The ones refused first make room. */
export const REFUSED_MAX = 1000;

const VERSION = oneOf(1);
const address = text(4096);
const title = text(HEADER_VALUE_MAX);
/** In the notation of JSON a character may take six. */
const BODY_FILE_MAX = 6 * SUBSCRIPTION_MAX + 65_536;
const LIST_FILE_MAX = 16_777_216;
const PINS_FILE_MAX = 67_108_864;

const readList = record({
  version: VERSION,
  subscriptions: listOf(record({ url: address, origin: oneOf("person", "network") }), SUBSCRIPTIONS_MAX),
  links: listOf(text(2 * SHARE_LINK_MAX), LINKS_MAX),
  /** Addresses that a network brought and the person removed: they do not come back. */
  declined: listOf(address, SUBSCRIPTIONS_MAX),
  /** Changed keys that the person does not want, by their ids. */
  refused: optional(listOf(text(16), REFUSED_MAX)),
});
export type List = Omit<Shape<typeof readList>, "version">;
export type Listed = List["subscriptions"][number];

const readProfile = record({
  title: nullable(title),
  intervalHours: count,
  userinfo: nullable(record({ upload: count, download: count, total: nullable(count), expire: nullable(count) })),
  supportUrl: nullable(title),
  webPageUrl: nullable(title),
});
export type Profile = Shape<typeof readProfile>;

const readBody = record({
  version: VERSION,
  url: address,
  etag: nullable(text(256)),
  fetchedUnix: count,
  profile: readProfile,
  body: text(SUBSCRIPTION_MAX),
});
export type Body = Omit<Shape<typeof readBody>, "version">;

const readPins = record({
  version: VERSION,
  pins: listOf(
    record({
      city: text(300),
      keys: listOf(record({ pbk: text(43), workedUnix: nullable(count) }), PINNED_KEYS_MAX),
    }),
    PINNED_MAX,
  ),
});

/** All throw `file-unwritable` or `file-unreadable` (`errno`). */
export interface Store {
  /** Each undefined where there is none; `onCorrupt` is told what was set aside. */
  loadList(): List | undefined;
  saveList(list: List): void;
  loadBody(id: string): Body | undefined;
  saveBody(id: string, body: Body): void;
  removeBody(id: string): void;
  /** Removes what a crash has left of others. */
  keepBodies(ids: readonly string[]): void;
  loadPins(): Pins | undefined;
  savePins(pins: Pins): void;
}

export type StoredKind = "list" | "body" | "pins";

export function openStore(directory: string, onCorrupt: (kind: StoredKind, aside: string) => void): Store {
  const load = <T>(kind: StoredKind, path: string, bytesMax: number, read: Reader<T>): T | undefined => {
    const found = readSealed(path, bytesMax, read);
    if (found.kind === "corrupt") onCorrupt(kind, setAside(path));
    return found.kind === "value" ? found.value : undefined;
  };
  const listPath = join(directory, "subscriptions");
  const pinsPath = join(directory, "pins");
  const bodyPath = (id: string): string => join(directory, "bodies", id);
  return {
    loadList: () => load("list", listPath, LIST_FILE_MAX, readList),
    saveList: (list) => writeSealed(listPath, { version: 1, ...list }),
    loadBody: (id) => load("body", bodyPath(id), BODY_FILE_MAX, readBody),
    saveBody: (id, body) => writeSealed(bodyPath(id), { version: 1, ...body }),
    removeBody: (id) => removeSealed(bodyPath(id)),
    keepBodies(ids) {
      const kept = new Set(ids.flatMap((id) => [id, `${id}.corrupt`]));
      const folder = join(directory, "bodies");
      const names = existsSync(folder) ? readdirSync(folder) : [];
      for (const name of names) if (!kept.has(name)) rmSync(join(folder, name), { force: true });
    },
    loadPins() {
      const pins = load("pins", pinsPath, PINS_FILE_MAX, readPins)?.pins;
      return pins && new Map(pins.map(({ city, keys }) => [city, keys]));
    },
    savePins: (pins) =>
      writeSealed(pinsPath, {
        version: 1,
        pins: [...pins].map(([city, keys]) => ({ city, keys })),
      }),
  };
}
