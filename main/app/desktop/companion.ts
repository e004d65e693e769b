/** What the desktop app knows of its host: followed by one subscription, as the page does, and never guessed. */
import { follow, noticeOfCall, type Client, type Following } from "../../api/client.ts";
import type { HostEvent, Output, Status } from "../../api/contract.ts";
import { Announcer, type Announcement } from "./announcer.ts";
import { languageOf, type Language } from "./texts.ts";
import type { City } from "./trayModel.ts";

export type Preferences = Output<"preferences">;
type Tunnel = Output<"vpnStatus">;

/** Of the cities of this run that are offered again. */
const LAST_MAX = 3;

export interface CompanionOptions {
  /** BCP 47. */
  readonly languageOfDesktop: () => string;
  readonly onChange: () => void;
  readonly onAnnouncement: (announcement: Announcement) => void;
}

export class Companion {
  readonly #options: CompanionOptions;
  readonly #announcer = new Announcer();
  #following: Following | undefined;
  #client: Client | undefined;
  #last: readonly string[] = [];

  /** Null before a host has reported, and while none answers. */
  status: Status | null = null;
  tunnel: Tunnel | null = null;
  /** Null before they are known. */
  preferences: Preferences | null = null;
  cities: readonly City[] = [];

  constructor(options: CompanionOptions) {
    this.#options = options;
  }

  get language(): Language {
    return languageOf(this.preferences?.language ?? null, this.#options.languageOfDesktop());
  }

  /** Ids of cities: the person's favourites, then the last ones. */
  get preferred(): readonly string[] {
    return [...(this.preferences?.favourites ?? []), ...this.#last];
  }

  follow(client: Client): void {
    this.lose();
    this.#client = client;
    const own = follow(
      client,
      (event) => this.#take(event),
      () => {
        if (this.#following === own) this.lose();
      },
    );
    this.#following = own;
    this.#ask(client.preferences.query(), (preferences) => (this.preferences = preferences));
    this.#askCities();
  }

  /** From now on nothing is known. */
  lose(): void {
    this.#following?.stop();
    this.#following = undefined;
    this.#client = undefined;
    [this.status, this.tunnel] = [null, null];
    this.#options.onChange();
  }

  #take(event: HostEvent): void {
    if (event.kind === "snapshot") this.status = event.payload.status;
    if (event.kind === "status" || event.kind === "window-closed") this.status = event.payload;
    if (event.kind === "snapshot") this.#takeTunnel(event.payload.tunnel);
    if (event.kind === "tunnel") this.#takeTunnel(event.payload);
    if (event.kind === "preferences") this.preferences = event.payload;
    const announcements = this.#announcer.take(event, this);
    if (this.preferences?.notifies !== false) announcements.forEach(this.#options.onAnnouncement);
    this.#options.onChange();
  }

  #takeTunnel(tunnel: Tunnel | null): void {
    // What a city is called may have changed with what the network was last asked.
    if (tunnel?.state !== this.tunnel?.state) this.#askCities();
    this.tunnel = tunnel;
    const city = tunnel?.state === "connected" ? tunnel.city : null;
    if (city !== null) this.#last = [city, ...this.#last.filter((id) => id !== city)].slice(0, LAST_MAX);
  }

  #askCities(): void {
    if (this.#client !== undefined) this.#ask(this.#client.vpnCities.query(), ({ cities }) => (this.cities = cities));
  }

  /** Where no answer comes, the last one stands. */
  #ask<T>(answer: Promise<T>, take: (value: T) => void): void {
    const asked = this.#client;
    answer
      .then((value) => {
        if (this.#client !== asked) return;
        take(value);
        this.#options.onChange();
      })
      .catch(noticeOfCall);
  }
}
