/** The person's subscriptions and single links: added, fetched, kept, merged (chapter 08 §4.7, §8.3). */
import { createHash } from "node:crypto";

import { isDnsName } from "../../cities/addresses.ts";
import { boundPins, pinKey, recordWorkingKey, type Pins } from "../../cities/pins.ts";
import { HEADER_VALUE_MAX, SUBSCRIPTION_LINES_MAX } from "../../cities/limits.ts";
import { buildShareLink, parseShareLink, shownLabel, type ShareLink } from "../../cities/shareLink.ts";
import { decodeSubscription, type Skipped, type Subscription } from "../../cities/subscription.ts";
import { readSubscriptionHeaders } from "../../cities/subscriptionHeaders.ts";
import { ProtocolError, type ErrorParams } from "../../protocol/errors.ts";
import type { ProxyEndpoint } from "../systemProxy/adapter.ts";
import { parseAddress } from "./address.ts";
import { parseDeepLink } from "./deepLink.ts";
import { fetchSubscription, type Fetched } from "./fetchSubscription.ts";
import { readQrImage } from "./qrImage.ts";
import { isTrusted, mergeRoutes, pinNewCities, type CityRoutes, type Network, type Source } from "./routes.ts";
import { refreshDelay } from "./schedule.ts";
import {
  LINKS_MAX,
  openStore,
  REFUSED_MAX,
  SUBSCRIPTIONS_MAX,
  type Body,
  type List,
  type Profile,
  type Store,
} from "./store.ts";
import { directTransport, tunnelTransport, type Transport } from "./transport.ts";

export interface SubscriptionsOptions {
  /** Of the person alone: links hold accounts. */
  readonly directory: string;
  /** The tunnel's local port while it is connected: the second way to a subscription. */
  readonly tunnel: () => ProxyEndpoint | undefined;
  /** After anything that `cities` or `list` show has changed. */
  readonly onChange: () => void;
  readonly direct?: Transport;
  readonly nowUnix?: () => number;
  /** From 0 (inclusive) to 1. */
  readonly random?: () => number;
}

export interface Fault {
  readonly code: string;
  readonly params: ErrorParams;
}

export interface SubscriptionStatus {
  readonly id: string;
  readonly url: string;
  /** Brought by the person, or by the file of the network. */
  readonly origin: "person" | "network";
  /** What its server says of it; null before the first good body. */
  readonly profile: Profile | null;
  readonly servers: number;
  readonly skipped: readonly Skipped[];
  /** When what is used was last confirmed; null before the first time. */
  readonly fetchedUnix: number | null;
  /** Why the last fetch failed; what was good before stays in use. */
  readonly fault: Fault | null;
}

export interface UsableRoute {
  /** The same for the same entry, and of a fixed length. */
  readonly code: string;
  /** Under which its key is pinned. */
  readonly city: string;
  readonly link: ShareLink;
}

/** A key of a city that is another one than was known: its routes are not used. */
export interface HeldKey {
  readonly id: string;
  /** City whose key it would be. */
  readonly entry: string;
  /** Safe to show. */
  readonly label: string;
  readonly verdict: "rotated" | "unexplained";
  readonly isRefused: boolean;
}

export type Imported =
  | { readonly kind: "subscription"; readonly id: string }
  | { readonly kind: "links"; readonly added: number; readonly skipped: readonly Skipped[] }
  /** A deep link's wish. The person confirms it. */
  | { readonly kind: "connect"; readonly city: string };

interface Held {
  readonly body: Body;
  readonly decoded: Subscription;
}

interface Merged {
  readonly atUnix: number;
  readonly cities: readonly CityRoutes[];
  readonly usable: readonly UsableRoute[];
}

/** How old a merged list may be: whether a key worked until recently depends on the day. */
const MERGED_SECONDS = 3_600;
const PASTED = "pasted";
const DAY_SECONDS = 86_400;
const FAULTS_MAX = 32;

export class Subscriptions {
  readonly #options: Required<SubscriptionsOptions>;
  readonly #store: Store;
  #list: List = { subscriptions: [], links: [], declined: [], refused: [] };
  #links: readonly ShareLink[] = [];
  #pins: Pins = new Map();
  #network: Network = { codes: [], cities: [] };
  readonly #held = new Map<string, Held>();
  readonly #faults = new Map<string, Fault>();
  readonly #fileFaults: Fault[] = [];
  readonly #running = new Map<string, Promise<void>>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #isStarted = false;
  /** Undefined after a change of anything that it is made of. */
  #merged: Merged | undefined;

  /** Reads what was kept; what is corrupt is set aside and named among {@link faults}. Throws `file-unreadable` (`errno`). */
  constructor(options: SubscriptionsOptions) {
    const nowUnix = (): number => Math.floor(Date.now() / 1000);
    this.#options = { direct: directTransport, nowUnix, random: Math.random, ...options };
    this.#store = openStore(options.directory, (kind, path) =>
      this.#noteFault({ code: "subscription-file-corrupt", params: { kind, path } }),
    );
    const list = this.#store.loadList();
    if (list !== undefined) {
      this.#list = list;
      this.#store.keepBodies(list.subscriptions.map(({ url }) => idOf(url)));
    }
    this.#links = this.#list.links.map(parseShareLink);
    this.#pins = this.#store.loadPins() ?? this.#pins;
    for (const { url } of this.#list.subscriptions) {
      const body = this.#store.loadBody(idOf(url));
      if (body !== undefined) this.#held.set(idOf(url), { body, decoded: decodeSubscription(body.body) });
    }
    this.#pinNew();
  }

  /** What went wrong with the files of this room since the start. */
  get faults(): readonly Fault[] {
    return this.#fileFaults;
  }

  get list(): readonly SubscriptionStatus[] {
    return this.#list.subscriptions.map(({ url, origin }) => {
      const id = idOf(url);
      const held = this.#held.get(id);
      return {
        ...{ id, url, origin, fault: this.#faults.get(id) ?? null },
        ...{ profile: held?.body.profile ?? null, fetchedUnix: held?.body.fetchedUnix ?? null },
        ...{ servers: held?.decoded.servers.length ?? 0, skipped: held?.decoded.skipped ?? [] },
      };
    });
  }

  get links(): readonly ShareLink[] {
    return this.#links;
  }

  /** Every city with all its routes; only those that `isTrusted` may be used without asking. */
  cities(): readonly CityRoutes[] {
    return this.#merge().cities;
  }

  /** What a tunnel may use without asking: every entry once, by the city that it enters. */
  usableRoutes(): readonly UsableRoute[] {
    return this.#merge().usable;
  }

  /** What else is known of the network; its default subscription is added once, unless the person removed it. */
  setNetwork(network: Network, defaultUrl?: string): void {
    this.#network = network;
    this.#merged = undefined;
    this.#pinNew();
    if (defaultUrl !== undefined) this.#addDefault(parseAddress(defaultUrl));
    this.#options.onChange();
  }

  /** Fetches all now and then at their intervals, until `stop`. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    for (const { url } of this.#list.subscriptions) void this.refresh(idOf(url));
  }

  stop(): void {
    this.#isStarted = false;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  /** Takes what a person pasted, a QR code says or a deep link carries. Throws `import-unusable` and what parsing throws. */
  import(text: string): Imported {
    const trimmed = text.trim();
    if (trimmed.startsWith("montana://")) {
      const link = parseDeepLink(trimmed);
      if (link.kind === "connect") return link;
      return link.kind === "subscription" ? this.#imported(link.url) : this.#addLinks([link.link], []);
    }
    if (/^https?:\/\/\S+$/i.test(trimmed)) return this.#imported(trimmed);
    // One link that is wrong says why; of many the wrong ones are skipped.
    if (/^vless:\/\/[^\n]*$/.test(trimmed)) return this.#addLinks([parseShareLink(trimmed)], []);
    const { servers, skipped } = decodeSubscription(trimmed);
    if (servers.length === 0) throw new ProtocolError("import-unusable");
    return this.#addLinks(servers, skipped);
  }

  /** As `import`, from a PNG or JPEG. Throws also what `readQrImage` throws. */
  importImage(bytes: Uint8Array): Imported {
    return this.import(readQrImage(bytes));
  }

  /** Gives the subscription's id; again is nothing. Throws `subscription-address-invalid`, `too-many-subscriptions` (`limit`). */
  add(url: string): string {
    const address = parseAddress(url);
    const id = idOf(address);
    const declined = this.#list.declined.filter((other) => other !== address);
    if (!this.#has(id)) this.#append({ url: address, origin: "person" }, declined);
    return id;
  }

  remove(id: string): void {
    const gone = this.#list.subscriptions.find(({ url }) => idOf(url) === id);
    if (gone === undefined) return;
    const subscriptions = this.#list.subscriptions.filter((other) => other !== gone);
    const declined = gone.origin === "network" ? [...this.#list.declined, gone.url] : this.#list.declined;
    this.#saveList({ ...this.#list, subscriptions, declined: declined.slice(-SUBSCRIPTIONS_MAX) });
    this.#held.delete(id);
    this.#merged = undefined;
    this.#faults.delete(id);
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.#store.removeBody(id);
    this.#options.onChange();
  }

  removeLink(link: ShareLink): void {
    this.#saveLinks(this.#links.filter((other) => buildShareLink(other) !== buildShareLink(link)));
    this.#options.onChange();
  }

  /** Fetches all; what fails is in `list`. On demand, and once when all candidates of a connection have failed. */
  async refreshAll(): Promise<void> {
    await Promise.all(this.#list.subscriptions.map(({ url }) => this.refresh(idOf(url))));
  }

  /** Directly first, then through the tunnel. Never rejects: what fails is in `list`. */
  refresh(id: string): Promise<void> {
    const running = this.#running.get(id) ?? this.#refresh(id).finally(() => this.#running.delete(id));
    this.#running.set(id, running);
    return running;
  }

  /** What waits for the person's judgement, or was refused. */
  heldKeys(): readonly HeldKey[] {
    const refused = new Set(this.#list.refused);
    const held = new Map<string, HeldKey>();
    for (const { label, routes } of this.cities()) {
      for (const { entry, link, key, via } of routes) {
        if (via !== "direct" || key === "known" || key === "new") continue;
        const id = keyIdOf(entry, link.pbk);
        held.set(id, { id, entry, label, verdict: key, isRefused: refused.has(id) });
      }
    }
    return [...held.values()];
  }

  /** The person has seen that a city's key changed, and wants it used or not. Throws `key-unknown`. */
  judgeKey(id: string, isAccepted: boolean): void {
    const route = this.cities()
      .flatMap(({ routes }) => routes)
      .find(({ entry, link }) => keyIdOf(entry, link.pbk) === id);
    if (route === undefined) throw new ProtocolError("key-unknown", { id });
    const others = (this.#list.refused ?? []).filter((other) => other !== id);
    this.#saveList({ ...this.#list, refused: isAccepted ? others : [...others, id].slice(-REFUSED_MAX) });
    if (isAccepted) this.#savePins(pinKey(this.#pins, route.entry, route.link.pbk));
    this.#options.onChange();
  }

  /** A tunnel was verified with this key. Only the day is kept. */
  recordWorked(entry: string, pbk: string): void {
    const now = this.#options.nowUnix();
    const day = now - (now % DAY_SECONDS);
    const known = this.#pins.get(entry)?.find((key) => key.pbk === pbk);
    if (known !== undefined && known.workedUnix !== day) this.#savePins(recordWorkingKey(this.#pins, entry, pbk, day));
  }

  async #refresh(id: string): Promise<void> {
    const url = this.#list.subscriptions.find((listed) => idOf(listed.url) === id)?.url;
    if (url === undefined) return;
    try {
      await this.#fetch(id, url);
      this.#faults.delete(id);
    } catch (error) {
      this.#faults.set(id, faultOf(error));
    }
    if (this.#has(id)) this.#schedule(id);
    else this.#forget(id);
    this.#options.onChange();
  }

  async #fetch(id: string, url: string): Promise<void> {
    const tunnel = this.#options.tunnel();
    const held = this.#held.get(id);
    const fetchBy = async (transport: Transport): Promise<Held> => {
      const fetched = await fetchSubscription(url, held?.body.etag ?? null, transport);
      return heldOf(url, fetched, held, this.#options.nowUnix());
    };
    const next = await fetchBy(this.#options.direct).catch((error: unknown) => {
      if (tunnel === undefined) throw error;
      return fetchBy(tunnelTransport(tunnel));
    });
    if (!this.#has(id)) return;
    this.#held.set(id, next);
    this.#merged = undefined;
    // First the keys: a body whose new cities are not pinned yet would let other keys in after a crash.
    this.#pinNew();
    this.#store.saveBody(id, next.body);
  }

  #schedule(id: string): void {
    clearTimeout(this.#timers.get(id));
    if (!this.#isStarted) return;
    const hours = this.#held.get(id)?.body.profile.intervalHours ?? 1;
    const timer = setTimeout(() => void this.refresh(id), refreshDelay(hours, this.#options.random()));
    timer.unref();
    this.#timers.set(id, timer);
  }

  #imported(url: string): Imported {
    return { kind: "subscription", id: this.add(url) };
  }

  #addDefault(url: string): void {
    if (this.#has(idOf(url)) || this.#list.declined.includes(url)) return;
    this.#append({ url, origin: "network" }, this.#list.declined);
  }

  #append(listed: List["subscriptions"][number], declined: readonly string[]): void {
    if (this.#list.subscriptions.length >= SUBSCRIPTIONS_MAX) {
      throw new ProtocolError("too-many-subscriptions", { limit: SUBSCRIPTIONS_MAX });
    }
    this.#saveList({ ...this.#list, subscriptions: [...this.#list.subscriptions, listed], declined: [...declined] });
    if (this.#isStarted) void this.refresh(idOf(listed.url));
    this.#options.onChange();
  }

  #addLinks(links: readonly ShareLink[], skipped: readonly Skipped[]): Imported {
    const known = new Set(this.#links.map(buildShareLink));
    const added = links.filter((link) => !known.has(buildShareLink(link)));
    if (known.size + added.length > LINKS_MAX) throw new ProtocolError("too-many-links", { limit: LINKS_MAX });
    this.#saveLinks([...this.#links, ...added]);
    this.#pinNew();
    this.#options.onChange();
    return { kind: "links", added: added.length, skipped };
  }

  /** A tunnel asks often, and lists may be long. */
  #merge(): Merged {
    const now = this.#options.nowUnix();
    if (this.#merged !== undefined && Math.abs(now - this.#merged.atUnix) < MERGED_SECONDS) return this.#merged;
    const cities = mergeRoutes(this.#sources(), this.#network, this.#pins, now);
    const direct = cities.flatMap(({ routes }) => routes.filter((route) => route.via === "direct"));
    const usable = direct.filter(isTrusted).map(({ link, entry }) => ({ code: codeOf(link), city: entry, link }));
    this.#merged = { atUnix: now, cities, usable };
    return this.#merged;
  }

  #sources(): readonly Source[] {
    const subscribed = this.#list.subscriptions.flatMap(({ url }): Source[] => {
      const held = this.#held.get(idOf(url));
      return held === undefined ? [] : [{ id: idOf(url), servers: held.decoded.servers }];
    });
    return [...subscribed, { id: PASTED, servers: this.#links }];
  }

  #has(id: string): boolean {
    return this.#list.subscriptions.some(({ url }) => idOf(url) === id);
  }

  #forget(id: string): void {
    this.#held.delete(id);
    this.#merged = undefined;
    this.#faults.delete(id);
  }

  #pinNew(): void {
    const pins = pinNewCities(this.#pins, this.#sources(), this.#network);
    if (pins !== this.#pins) this.#savePins(pins);
  }

  /** Keys that cannot be written count while the program runs. */
  #savePins(pins: Pins): void {
    this.#pins = boundPins(pins);
    this.#merged = undefined;
    try {
      this.#store.savePins(this.#pins);
    } catch (error) {
      this.#noteFault(faultOf(error));
    }
  }

  #saveLinks(links: readonly ShareLink[]): void {
    this.#saveList({ ...this.#list, links: links.map(buildShareLink) });
    this.#links = links;
    this.#merged = undefined;
  }

  /** What the person adds is on the disk, or refused. */
  #saveList(list: List): void {
    this.#store.saveList(list);
    this.#list = list;
    this.#merged = undefined;
  }

  #noteFault(fault: Fault): void {
    if (this.#fileFaults.length < FAULTS_MAX) this.#fileFaults.push(fault);
  }
}

const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 16);
const idOf = digestOf;
const keyIdOf = (entry: string, pbk: string): string => digestOf(`${entry} ${pbk}`);
const codeOf = (link: ShareLink): string => digestOf(buildShareLink({ ...link, label: "" }));

/** Throws `subscription-empty` or `subscription-too-many-entries` (`limit`): then the previous list stays. */
function heldOf(url: string, fetched: Fetched, previous: Held | undefined, fetchedUnix: number): Held {
  if (fetched.kind === "unchanged") {
    if (previous === undefined) throw new ProtocolError("subscription-refused", { status: 304 });
    return { ...previous, body: { ...previous.body, fetchedUnix } };
  }
  const decoded = decodeSubscription(fetched.body);
  if (decoded.fault !== undefined) {
    // Bytes are counted while they come.
    if (decoded.fault === "too-large") {
      throw new ProtocolError("subscription-too-many-entries", { limit: SUBSCRIPTION_LINES_MAX });
    }
    throw new ProtocolError("subscription-empty");
  }
  // The answer's headers win over what the body says of itself.
  const profile = safeProfile(readSubscriptionHeaders([...fetched.headers, ...decoded.meta]));
  return { body: { url, etag: fetched.etag, fetchedUnix, profile, body: fetched.body }, decoded };
}

/** As it may be shown: strangers wrote it. */
const safeProfile = (profile: Profile): Profile => ({
  ...profile,
  title: profile.title === null ? null : shownLabel(profile.title),
  supportUrl: safeLink(profile.supportUrl),
  webPageUrl: safeLink(profile.webPageUrl),
});

/** In the canonical form, which holds nothing that a page could take for more than an address. */
function safeLink(link: string | null): string | null {
  if (link === null || !URL.canParse(link)) return null;
  const { hostname, href } = new URL(link);
  return isDnsName(hostname) && href.length <= HEADER_VALUE_MAX ? href : null;
}

function faultOf(error: unknown): Fault {
  if (error instanceof ProtocolError) return { code: error.code as string, params: error.params };
  throw error;
}
