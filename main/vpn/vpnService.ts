/** What a person can ask of the tunnel: everything of this room put together, and nothing that shows an address. */
import { join } from "node:path";

import { isForbiddenHost, isLoopbackHost } from "../cities/addresses.ts";
import { CITY_CODE, type City } from "../cities/cities.ts";
import type { Explorer } from "../cities/explorer.ts";
import { ProtocolError } from "../protocol/errors.ts";
import type { Binaries } from "../xray/binaries.ts";
import { openEngineDirectory } from "../xray/directory.ts";
import { cityIdOf, findCity, shownRoute } from "./cityNames.ts";
import { parseDirectRules } from "./directRules.ts";
import { ExitWatch } from "./exitWatch.ts";
import { testLeaks, type LeakCheck } from "./leakTest.ts";
import { NetworkFiles } from "./networkFiles.ts";
import { networkFingerprint } from "./networkWatch.ts";
import { repairMachine, TEST_FOLDER, type Repaired, type RepairOptions } from "./repairMachine.ts";
import { testRoutes, TESTED_MAX } from "./routeTest.ts";
import { Subscriptions } from "./subscriptions/subscriptions.ts";
import type { DesktopProxy } from "./systemProxy/desktop.ts";
import { Tunnel, type TunnelStatus } from "./tunnel.ts";
import { faultOf, tunnelError } from "./tunnelErrors.ts";
import type { ProxyEndpoint, Route, TunnelNetwork, TunnelWish } from "./tunnelPorts.ts";
import { healthByCity, listCities, type CityEntry } from "./vpnCities.ts";
import { openWholeDevice, repairWholeDevice } from "./wholeDevice/wholeDevice.ts";
import { describeSubscription, noticeOf, rateOf, type Notice, type Rate } from "./vpnShown.ts";
import { loadSettings, saveSettings, type VpnMode, type VpnSettings } from "./vpnSettings.ts";

/** What a network file says of its cities. */
export interface VpnNetwork {
  readonly name: string;
  readonly subscriptionUrl?: string | undefined;
  readonly cities?: readonly string[] | undefined;
  readonly probeUrl?: string | undefined;
  /** How often cities are asked whether they are there while somebody looks; never where it is left out. */
  readonly watchSeconds?: number | undefined;
}

export interface VpnOptions {
  /** Of the person alone. The engine's folder is `tunnel` in it, and all that is kept lies in there. */
  readonly directory: string;
  readonly network: VpnNetwork;
  /** Throws `engine-missing`. */
  readonly binaries: () => Binaries;
  readonly desktop: DesktopProxy;
  /** Has the desktop ask for an administrator's password; ends when the helper is installed. Throws why it is not. */
  readonly installHelper: () => Promise<void>;
  /** Something that `status` shows has changed. */
  readonly onChange: () => void;
  /** Once a second while connected and somebody watches. */
  readonly onFigures: () => void;
}

/** What is left out is as the settings say. */
export type VpnWish = { readonly city: string } & {
  readonly [K in "mode" | "killSwitch" | "strict" | "direct" | "port"]?: VpnSettings[K] | undefined;
};

/** Milliseconds. */
const FIGURES_PERIOD = 1_000;

export class VpnService {
  readonly #options: VpnOptions;
  readonly #folder: string;
  #network: VpnNetwork;
  /** Chosen while the tunnel led through another one: taken when that has ended. */
  #next: VpnNetwork | undefined;
  #subscriptions: Subscriptions;
  #files: NetworkFiles;
  #watch: ExitWatch | undefined;
  readonly #tunnel: Tunnel;
  /** The tunnel reads it anew for every question. */
  readonly #probeUrls: string[] = [];
  #settings: VpnSettings;
  #wish: TunnelWish | undefined;
  /** By its code: said until it is not so any more. */
  readonly #faults = new Map<string, Notice>();
  /** What a test found while no tunnel was up, by the route's code. */
  #tested = new Map<string, { readonly delayMs?: number | undefined; readonly fault?: string | undefined }>();
  #installing: Promise<void> | undefined;
  #watchers = 0;
  #figures: NodeJS.Timeout | undefined;
  /** Nobody is told of what happens before all parts are there. */
  #isReady = false;
  #isStarted = false;

  /** Reads what is kept. Throws `file-unreadable`, `engine-directory-unusable`. */
  constructor(options: VpnOptions) {
    this.#options = options;
    this.#folder = openEngineDirectory(options.directory, "tunnel").path;
    this.#network = options.network;
    const { settings, corrupt } = loadSettings(this.#settingsFolder);
    this.#settings = settings;
    if (corrupt !== undefined) this.#note({ code: "vpn-settings-corrupt", params: { path: corrupt } });
    ({ subscriptions: this.#subscriptions, files: this.#files, watch: this.#watch } = this.#open(options.network));
    this.#tunnel = new Tunnel({
      ...{ binaries: options.binaries, directory: options.directory, probeUrls: this.#probeUrls, random: Math.random },
      source: {
        read: () => this.#readNetwork(),
        refresh: () => this.#refreshAll(),
        onVerified: (route) => this.#onVerified(route),
      },
      systemProxy: options.desktop.adapter === undefined ? undefined : options.desktop,
      wholeDevice: openWholeDevice({ directory: this.#folder }),
      clock: { now: () => performance.now(), unixMs: () => Date.now() },
      network: networkFingerprint,
      onMeasured: () => this.#tell(),
    });
    this.#tunnel.onChange(() => {
      this.#tell();
      this.#takeNext();
    });
    this.#tellNetwork();
    this.#setProbeUrls();
    this.#isReady = true;
  }

  /**
   * Gives back what a killed program left borrowed, but for what its kill switch still blocks: looking must not open that. What
   * cannot be given back is said by `status`.
   */
  async prepare(): Promise<void> {
    await this.#repair({ setsAsideJournal: false, keepsBlock: true }).then(
      ({ device }) => {
        if (device === "blocking") this.#note(BLOCK_LEFT);
      },
      (error: unknown) => this.#note(noticeOf(faultOf(error))),
    );
  }

  /**
   * Repairs; then lists are kept fresh, and the last city is connected to where that is wished. `isToConnect`: somebody connects
   * at once, so that no block opens in between.
   */
  async start(onDefect: (error: unknown) => void, { isToConnect }: { readonly isToConnect: boolean }): Promise<void> {
    const { connectsAtStart, city } = this.#settings;
    await this.prepare();
    if (!isToConnect && !connectsAtStart) await this.#release();
    this.#isStarted = true;
    this.#subscriptions.start();
    this.#files.start();
    if (!connectsAtStart || city === null) return;
    void this.connect({ city }).catch((error: unknown) => {
      if (!(error instanceof ProtocolError)) onDefect(error);
    });
  }

  /** At the end the machine is as it was before. */
  async stop(): Promise<void> {
    clearInterval(this.#figures);
    this.#next = undefined;
    this.#isStarted = false;
    this.#watch?.stop();
    this.#subscriptions.stop();
    this.#files.stop();
    await this.#tunnel.disconnect();
  }

  /** Whose cities these are. */
  get network(): string {
    return this.#network.name;
  }

  /**
   * Another network's cities from now on; while the tunnel leads through one of this network's, from its end on: what a person
   * is connected to is theirs to leave. Throws `file-unreadable`.
   */
  setNetwork(network: VpnNetwork): void {
    this.#next = JSON.stringify(network) === JSON.stringify(this.#network) ? undefined : network;
    this.#takeNext();
  }

  /** What the network says of its cities and nodes. */
  published(): { readonly network: string; readonly cities: readonly City[]; readonly explorer: Explorer | undefined } {
    const { cities, explorer } = this.#files;
    return { network: this.#network.name, cities, explorer };
  }

  status() {
    const now: TunnelStatus = this.#tunnel.status;
    const { state, cause, fault, chosen, city, entry, mode, proxy, rate, sessionMs, delayMs } = now;
    return {
      ...{ state, cause, chosen, city, entry, mode, proxy, delayMs },
      sessionMs: sessionMs === null ? null : Math.round(sessionMs),
      isWholeDevice: now.isWholeDevice,
      pausedUntilMs: now.pausedUntilMs,
      signInUrl: now.signInUrl,
      silentCities: [...(this.#watch?.silent ?? [])].map(([id, sinceMs]) => ({ city: id, sinceMs })),
      fault: fault === null ? null : noticeOf(fault),
      killSwitch: this.#wish?.killSwitch ?? this.#settings.killSwitch,
      strict: this.#wish?.strict ?? this.#settings.strict,
      bytesUp: Number(now.bytesUp),
      bytesDown: Number(now.bytesDown),
      rate: rate === null ? null : rateOf(rate),
      notices: this.#notices(now),
    };
  }

  /** Asked for again meanwhile, it waits for the same answer: a person is asked once. Throws what `installHelper` throws. */
  async installHelper() {
    this.#installing ??= this.#options.installHelper().finally(() => (this.#installing = undefined));
    await this.#installing;
    return this.status();
  }

  history(): { rates: Rate[] } {
    return { rates: this.#tunnel.history.map(rateOf) };
  }

  /** Throws what keeps it from being connected, by its code. */
  async connect(wish: VpnWish) {
    if (this.#readNetwork().routes.length === 0) await this.#refreshAll();
    const city = await this.#findNamed(wish.city);
    const { settings, mode } = { settings: this.#settings, mode: wish.mode ?? this.#usualMode };
    if (this.#probeUrls.length === 0) throw new ProtocolError("probe-url-missing");
    const port = wish.port ?? settings.port;
    const next: TunnelWish = {
      city,
      mode,
      killSwitch: wish.killSwitch ?? settings.killSwitch,
      strict: wish.strict ?? settings.strict,
      bypass: parseDirectRules([...settings.direct, ...(wish.direct ?? [])]),
      ...(port === null ? {} : { port }),
    };
    this.#wish = next;
    // In whole-device mode the tunnel takes it over instead.
    if (next.mode !== "device") await this.#release();
    await this.#tunnel.connect(next);
    this.#faults.delete(BLOCK_LEFT.code);
    if (this.#settings.city !== city) this.#saveSettings({ ...this.#settings, city });
    return this.status();
  }

  /** Throws what could not be given back. */
  async disconnect() {
    await this.#tunnel.disconnect();
    // The tunnel may have failed to: then the record is still there, and this says why.
    await this.#options.desktop.repair();
    await this.#release();
    return this.status();
  }

  /**
   * Lets everything past a kill switch that holds, so that a network's sign-in page can be opened, and then tries again; 0 ends
   * that at once. Throws `not-blocked` and the helper's codes.
   */
  async pauseBlock({ seconds }: { seconds: number }) {
    if (seconds === 0) await this.#tunnel.endPause();
    else await this.#tunnel.pauseBlock(seconds);
    return this.status();
  }

  cities(): { cities: CityEntry[]; updatedAtMs: number | null } {
    const { confirmedUnix } = this.#files;
    const measures = new Map([...this.#tested, ...this.#tunnel.measures]);
    const cities = listCities({
      ...{ cities: this.#files.cities, health: this.#files.health, measures },
      ...{ routed: this.#subscriptions.cities(), usable: this.#subscriptions.usableRoutes() },
      inUse: this.#tunnel.status.city,
    });
    return { cities, updatedAtMs: confirmedUnix === undefined ? null : confirmedUnix * 1000 };
  }

  /** Throws `no-entries`, `unknown-city`, `probe-url-missing` and the engine's codes. */
  async test({ city: asked }: { city?: string | undefined }, signal: AbortSignal) {
    const city = asked === undefined ? undefined : this.#find(asked);
    const { routes: all } = this.#readNetwork();
    const routes = all
      .filter((route) => city === undefined || city === "auto" || route.city === city)
      .slice(0, TESTED_MAX);
    if (routes.length === 0) throw tunnelError("no-entries", { city: city ?? "auto" });
    if (this.#probeUrls.length === 0) throw new ProtocolError("probe-url-missing");
    const found = await this.#measure(routes, signal);
    return {
      routes: routes.flatMap(({ code, city: of }) => {
        const measure = found.get(code);
        if (measure === undefined) return [];
        const { connectMs, delayMs, fault } = measure;
        const isOk = fault === undefined;
        const figures = { connectMs: isOk ? (connectMs ?? null) : null, delayMs: isOk ? (delayMs ?? null) : null };
        return [{ city: of, isOk, ...figures, fault: isOk ? null : { code: fault, params: { city: of } } }];
      }),
    };
  }

  /** Throws `tunnel-not-connected`. */
  async leaks() {
    const { state, city, mode, proxy } = this.#tunnel.status;
    if (state !== "connected" || proxy === null || city === null || mode === null) {
      throw new ProtocolError("tunnel-not-connected");
    }
    const { routes } = this.#readNetwork();
    const { addressUrl } = this.#settings;
    const options = { proxy, city, routes, probeUrls: this.#probeUrls, addressUrl, isWholeDevice: isDevice(mode) };
    const checks: LeakCheck[] = await testLeaks(options);
    return {
      mode,
      covered: { code: `covered-${mode}`, params: { ...proxy } },
      checks: checks.map((check) => ({ ...check, notice: noticeOf(check.notice) })),
    };
  }

  /** Throws what reading the text or the picture throws; a subscription that cannot be fetched is kept, and says why. */
  async import({ text, image }: { text?: string | undefined; image?: string | undefined }) {
    const imported =
      text === undefined
        ? this.#subscriptions.importImage(Buffer.from(image ?? "", "base64"))
        : this.#subscriptions.import(text);
    if (imported.kind === "links") return { ...imported, skipped: [...imported.skipped] };
    if (imported.kind === "connect") return imported;
    await this.#refreshOne(imported.id);
    const subscription = this.subscriptions().subscriptions.find(({ id }) => id === imported.id);
    if (subscription === undefined) throw new ProtocolError("subscription-unknown", { id: imported.id });
    return { kind: imported.kind, subscription };
  }

  subscriptions() {
    const { list, links } = this.#subscriptions;
    return { subscriptions: list.map(describeSubscription), links: links.length };
  }

  async addSubscription({ url }: { url: string }) {
    await this.#refreshOne(this.#subscriptions.add(url));
    return this.subscriptions();
  }

  /** By id or address. Throws `subscription-unknown`. */
  removeSubscription({ id: asked }: { id: string }) {
    const found = this.#subscriptions.list.find(({ id, url }) => id === asked || url === asked);
    if (found === undefined) throw new ProtocolError("subscription-unknown", { id: asked });
    this.#subscriptions.remove(found.id);
    return this.subscriptions();
  }

  async refresh() {
    await this.#refreshAll();
    return this.subscriptions();
  }

  keys() {
    return {
      keys: this.#subscriptions.heldKeys().map(({ id, entry, label, verdict, isRefused }) => {
        const city = cityIdOf(entry);
        return { id, city, name: this.#nameOf(city) ?? label, verdict, isRefused };
      }),
    };
  }

  /** Throws `key-unknown`. */
  judgeKey({ id, isAccepted }: { id: string; isAccepted: boolean }) {
    this.#subscriptions.judgeKey(id, isAccepted);
    return this.keys();
  }

  settings() {
    const { mode, killSwitch, strict, direct, port, probeUrl, addressUrl, connectsAtStart } = this.#settings;
    return {
      ...{ mode, killSwitch, strict, port, probeUrl, addressUrl, connectsAtStart },
      direct: [...direct],
      network: this.#network.name,
      probeUrlInForce: this.#probeUrls[0] ?? null,
      desktop: this.#options.desktop.adapter ?? null,
    };
  }

  /** Throws `bad-bypass-domain`, `bad-bypass-cidr`, `probe-url-local`, `file-unwritable`; then nothing is changed. */
  setSettings(change: Partial<{ [K in keyof Omit<VpnSettings, "city">]: VpnSettings[K] | undefined }>) {
    const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
    const next: VpnSettings = { ...this.#settings, ...given };
    parseDirectRules(next.direct);
    // It would be asked past the tunnel, and say nothing of it.
    if (next.probeUrl !== null && !isOutside(new URL(next.probeUrl))) throw new ProtocolError("probe-url-local");
    this.#saveSettings(next);
    this.#setProbeUrls();
    return this.settings();
  }

  /** Throws `proxy-journal-corrupt` and what giving back throws; while the tunnel is up nothing is touched. */
  repair({ setsAsideJournal }: { setsAsideJournal: boolean }): Promise<Repaired> {
    return this.#repair({ setsAsideJournal, keepsBlock: false });
  }

  /** Somebody shows live figures, until the given function is called. */
  watchFigures(): () => void {
    this.#watchers++;
    this.#watch?.start();
    this.#figures ??= setInterval(() => {
      if (this.#tunnel.status.state === "connected") this.#options.onFigures();
    }, FIGURES_PERIOD);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      if (--this.#watchers > 0) return;
      clearInterval(this.#figures);
      this.#figures = undefined;
      this.#watch?.stop();
    };
  }

  async #repair(how: RepairOptions): Promise<Repaired> {
    if (this.#tunnel.status.state !== "disconnected") {
      return { proxy: "in-use", kept: [], engine: "in-use", device: "in-use", setAside: null };
    }
    const repaired = await repairMachine(this.#options.directory, this.#options.desktop, how);
    for (const code of this.#faults.keys()) if (/^(?:proxy|helper|kill-switch)-/.test(code)) this.#faults.delete(code);
    this.#tell();
    return repaired;
  }

  /** What the kill switch of a killed program still blocks, where nobody wants that any more. */
  async #release(): Promise<void> {
    if (!this.#faults.has(BLOCK_LEFT.code)) return;
    await repairWholeDevice();
    this.#faults.delete(BLOCK_LEFT.code);
    this.#tell();
  }

  /** What is kept of a network. Throws `file-unreadable`. */
  #open(network: VpnNetwork) {
    const directory = join(this.#options.directory, "tunnel", "networks", network.name);
    const random = Math.random;
    const tunnel = (): ProxyEndpoint | undefined => {
      const { state, proxy } = this.#tunnel.status;
      return state === "connected" ? (proxy ?? undefined) : undefined;
    };
    return {
      subscriptions: new Subscriptions({ directory, tunnel, random, onChange: () => this.#tell() }),
      files: new NetworkFiles({
        ...{ directory, tunnel, random, nowUnix: () => Math.floor(Date.now() / 1000) },
        subscription: () => this.#publishedSubscription(),
        onChange: () => this.#tellNetwork(),
      }),
      watch: this.#makeWatch(network),
    };
  }

  #takeNext(): void {
    const network = this.#next;
    if (network === undefined || this.#tunnel.status.state !== "disconnected") return;
    const opened = this.#open(network);
    this.#next = undefined;
    this.#watch?.stop();
    this.#subscriptions.stop();
    this.#files.stop();
    this.#network = network;
    ({ subscriptions: this.#subscriptions, files: this.#files, watch: this.#watch } = opened);
    this.#tested = new Map();
    // It may not be there, and would be no choice of the person's.
    if (this.#settings.city !== null) this.#saveSettings({ ...this.#settings, city: null });
    this.#tellNetwork();
    if (this.#isStarted) {
      this.#subscriptions.start();
      this.#files.start();
    }
    if (this.#watchers > 0) this.#watch?.start();
    this.#tell();
  }

  #makeWatch({ watchSeconds }: VpnNetwork): ExitWatch | undefined {
    if (watchSeconds === undefined) return undefined;
    return new ExitWatch({
      period: watchSeconds * 1_000,
      // What is asked past a tunnel that leads the whole machine would not get out.
      doors: () =>
        this.#tunnel.status.isWholeDevice
          ? []
          : this.#subscriptions
              .usableRoutes()
              .map(({ city, link: { host, port, sni } }) => ({ city: cityIdOf(city), host, port, sni })),
      onSilent: (city) => {
        if (city === this.#tunnel.status.entry) this.#tunnel.suspect();
        this.#tell();
      },
      onHeard: (city) => {
        this.#tell();
        // What was measured while it said nothing is not so any more.
        if (this.#tunnel.status.state !== "connected") return;
        void this.#tunnel.measure(new Set([city])).then(
          () => this.#tell(),
          () => undefined,
        );
      },
    });
  }

  get #settingsFolder(): string {
    return join(this.#options.directory, "tunnel");
  }

  /** The desktop's settings where this program knows them; else a port, whose address the person is told. */
  get #usualMode(): VpnMode {
    const { mode } = this.#settings;
    return mode === "proxy" && this.#options.desktop.adapter === undefined ? "local" : mode;
  }

  /**
   * Nothing but the network itself is asked unless the person names a site: its own probe URL, or the server of its
   * subscription; of a practice network on this machine that is one here, which its exits reach.
   */
  #setProbeUrls(): void {
    const published = this.#subscriptions.list.map(({ url }) => new URL(url));
    const server = published.find(isOutside) ?? published.find(({ hostname }) => isLoopbackHost(hostname));
    const url = this.#settings.probeUrl ?? this.#network.probeUrl ?? (server && `${server.origin}/`);
    this.#probeUrls.splice(0, this.#probeUrls.length, ...(url === undefined ? [] : [url]));
  }

  #saveSettings(settings: VpnSettings): void {
    saveSettings(this.#settingsFolder, settings);
    this.#settings = settings;
  }

  #note(notice: Notice): void {
    this.#faults.set(notice.code, notice);
    this.#tell();
  }

  #tell(): void {
    if (!this.#isReady) return;
    this.#setProbeUrls();
    this.#options.onChange();
  }

  #notices({ state, chosen, city, mode, proxy }: TunnelStatus): Notice[] {
    const found = [...this.#faults.values(), ...this.#subscriptions.faults.map(noticeOf)];
    const isPicked = chosen !== null && chosen !== "auto";
    if (city !== null && isPicked && city !== chosen)
      found.push({ code: "leaves-elsewhere", params: { chosen, city } });
    if (state === "connected" && mode === "local" && proxy !== null && this.#settings.mode === "proxy") {
      if (this.#options.desktop.adapter === undefined)
        found.push({ code: "proxy-desktop-unknown", params: { ...proxy } });
    }
    if (state !== "disconnected" && this.#wish?.killSwitch === true && !isDevice(mode)) {
      found.push({ code: "kill-switch-covers-proxy", params: {} });
    }
    for (const { entry, verdict, isRefused } of this.#subscriptions.heldKeys()) {
      if (!isRefused) found.push({ code: `city-key-${verdict}`, params: { city: cityIdOf(entry) } });
    }
    return found.slice(0, NOTICES_MAX);
  }

  /** The address beside which the network publishes what it says of its cities: a mesh's own, by its path (§4.6). */
  #publishedSubscription(): string | undefined {
    const isMesh = (url: string): boolean => new URL(url).pathname === "/vpn/sub";
    return this.#network.subscriptionUrl ?? this.#subscriptions.list.find(({ url }) => isMesh(url))?.url;
  }

  /** Tells the subscriptions what is known of their network. */
  #tellNetwork(): void {
    const { cities: codes = [], subscriptionUrl } = this.#network;
    const network = { codes: codes.filter((code) => CITY_CODE.test(code)), cities: this.#files.cities };
    this.#subscriptions.setNetwork(network, subscriptionUrl);
  }

  #readNetwork(): TunnelNetwork {
    return {
      routes: this.#subscriptions.usableRoutes().map(shownRoute),
      cities: this.#files.cities,
      health: healthByCity(this.#files.health),
    };
  }

  #onVerified({ code }: Route): void {
    const used = this.#subscriptions.usableRoutes().find((route) => route.code === code);
    if (used !== undefined) this.#subscriptions.recordWorked(used.city, used.link.pbk);
  }

  async #refreshAll(): Promise<void> {
    await Promise.all([this.#subscriptions.refreshAll(), this.#files.refresh()]);
  }

  async #refreshOne(id: string): Promise<void> {
    await Promise.all([this.#subscriptions.refresh(id), this.#files.refresh()]);
  }

  /** The links of a new network may be there before the list that has their names. */
  async #findNamed(asked: string): Promise<string> {
    if (this.#files.confirmedUnix !== undefined) return this.#find(asked);
    try {
      return this.#find(asked);
    } catch {
      await this.#files.refresh();
      return this.#find(asked);
    }
  }

  #find(asked: string): string {
    const { cities } = this.cities();
    if (cities.length === 0) throw tunnelError("no-entries", { city: asked });
    const city = findCity(
      asked,
      cities.map(({ id, name }) => ({ id, names: [name.en, name.ru] })),
    );
    if (city === undefined) throw tunnelError("unknown-city", { city: asked });
    return city;
  }

  #nameOf(id: string): string | undefined {
    return this.cities().cities.find((city) => city.id === id)?.name.en;
  }

  async #measure(routes: readonly Route[], signal: AbortSignal) {
    if (this.#tunnel.status.state === "connected") {
      return this.#tunnel.measure(new Set(routes.map(({ city }) => city)), signal);
    }
    const { binaries } = this.#options;
    const directory = join(this.#folder, TEST_FOLDER);
    const outcomes = await testRoutes({ binaries, directory, probeUrls: this.#probeUrls, routes, signal });
    const found = new Map(
      [...outcomes].map(([code, { result, ms, delayMs, fault }]) => {
        const isOk = result === "ok";
        return [
          code,
          { connectMs: ms, delayMs: isOk ? delayMs : undefined, fault: isOk ? undefined : (fault ?? "unknown") },
        ];
      }),
    );
    this.#tested = new Map([...this.#tested, ...found].slice(-TESTED_MAX));
    return found;
  }
}

const BLOCK_LEFT: Notice = { code: "kill-switch-left", params: {} };
const NOTICES_MAX = 64;
const isOutside = ({ hostname }: URL): boolean => !isForbiddenHost(hostname.replace(/^\[(.*)\]$/, "$1"));
const isDevice = (mode: string | null): boolean => mode === "device";
