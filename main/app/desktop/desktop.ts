/** The desktop app without its toolkit: what happens on a click in the tray, on a link, on quitting, when a host comes or goes. */
import { call } from "../../api/client.ts";
import { apiError, noticeOf } from "../../api/errors.ts";
import { sentencesOf, type Announcement } from "./announcer.ts";
import { Companion } from "./companion.ts";
import type { Hosting } from "./hosting.ts";
import { PageProtocol } from "./pageProtocol.ts";
import { endHosting, type OnQuit, type QuitAnswer } from "./quitting.ts";
import { say, type Texts } from "./texts.ts";
import { trayOf, type TrayAction, type TrayModel } from "./trayModel.ts";
import type { Updates } from "./updater.ts";

const RETRY_MS = 2000;

/** What a toolkit shows and asks for the program. */
export interface Face {
  readonly isWindowOpen: boolean;
  /** BCP 47. */
  languageOfDesktop(): string;
  /** Opens the window, or brings it to the front. */
  openWindow(): void;
  /** A link waits for the page: {@link Desktop.takeLink}. */
  tellOfLink(): void;
  showTray(model: TrayModel): void;
  announce(announcement: Announcement): void;
  askOnQuit(text: (key: keyof Texts) => string): Promise<QuitAnswer>;
  showFailure(text: string): void;
  /** Ends the program at once. */
  exit(code: number): void;
}

export interface DesktopOptions {
  readonly face: Face;
  /** Of the built page. */
  readonly pageFolder: string;
  /** As `openHosting`; calls back when somebody asks the own host to stop. */
  readonly openHosting: (onStopRequest: () => void) => Promise<Hosting>;
  /** As `leaveDaemon`. */
  readonly leaveDaemon: () => Promise<void>;
  readonly startAtLogin: (isWanted: boolean) => void;
  /** Gives undefined where nobody signs updates of this program. */
  readonly updates: (onReady: () => void) => Updates | undefined;
}

export class Desktop {
  readonly page: PageProtocol;
  readonly #options: DesktopOptions;
  readonly #companion: Companion;
  readonly #updates: Updates | undefined;
  #hosting: Hosting | undefined;
  /** Waits for a page that takes it. */
  #link: string | undefined;
  #quitting: Promise<void> | undefined;
  #startsAtLogin: boolean | undefined;

  constructor(options: DesktopOptions) {
    const { face, pageFolder, updates } = options;
    this.#options = options;
    this.#companion = new Companion({
      languageOfDesktop: () => face.languageOfDesktop(),
      onChange: () => this.show(),
      onAnnouncement: (announcement) => face.announce(announcement),
    });
    const unanswered = (): Promise<Response> => Promise.resolve(new Response(null, { status: 503 }));
    const answerApi = (request: Request): Promise<Response> => this.#hosting?.answer(request) ?? unanswered();
    this.page = new PageProtocol({ folder: pageFolder, answerApi });
    this.#updates = updates(() => this.show());
  }

  /** Finds a host or becomes it; once more when the one of another process has ended. */
  async host(): Promise<void> {
    try {
      const hosting = await this.#options.openHosting(() => this.quit("stop"));
      this.#hosting = hosting;
      this.#companion.follow(hosting.client);
      void hosting.ended.then(() => this.#loseHost(hosting));
    } catch (error) {
      this.#fail(error);
      this.#options.face.exit(1);
    }
  }

  /** Brings the window to the front, with a link for its page. */
  open(link?: string): void {
    const { face } = this.#options;
    this.#link = link ?? this.#link;
    face.openWindow();
    if (link !== undefined) face.tellOfLink();
    this.show();
  }

  /** For the page, once. */
  takeLink(): string | undefined {
    const link = this.#link;
    this.#link = undefined;
    return link;
  }

  /** The page was closed or has crashed: only what it waited for ends. */
  losePage(): void {
    this.page.endAll();
    this.show();
  }

  async act(action: TrayAction): Promise<void> {
    try {
      if (action.kind === "connect") await call(this.#client.vpnConnect.mutate({ city: action.city }));
      else if (action.kind === "disconnect") await call(this.#client.vpnDisconnect.mutate());
      else if (action.kind === "open") this.open();
      else if (action.kind === "quit") this.quit();
      else this.quit("stop", () => this.#updates?.install());
    } catch (error) {
      const { language } = this.#companion;
      this.#options.face.announce({ title: say(language, "failedTitle"), body: this.#sentencesOf(error) });
    }
  }

  /** Asks where a candidate chain runs, unless that is `decided`. `last` comes when everything has stopped. */
  quit(decided?: OnQuit, last?: () => void): void {
    const { face, leaveDaemon } = this.#options;
    const { language, status, preferences } = this.#companion;
    const ask = (): Promise<QuitAnswer> => face.askOnQuit((key) => say(language, key));
    this.#quitting ??= endHosting({ hosting: this.#hosting, status, preferences, decided, leaveDaemon, ask })
      .catch((error: unknown) => this.#fail(error))
      .then((isOver) => {
        this.#quitting = undefined;
        if (isOver === false) return;
        last?.();
        face.exit(0);
      });
  }

  /** What the host reported last. */
  show(): void {
    const { face, startAtLogin } = this.#options;
    const { language, status, tunnel, cities, preferred, preferences } = this.#companion;
    const update = this.#updates?.ready ?? null;
    face.showTray(trayOf({ language, status, tunnel, cities, preferred, isWindowOpen: face.isWindowOpen, update }));
    if (preferences === null) return;
    const proxy = tunnel?.state === "connected" ? tunnel.proxy : null;
    this.#updates?.look({ isWanted: preferences.updatesItself, proxy });
    if (preferences.startsAtLogin === this.#startsAtLogin) return;
    this.#startsAtLogin = preferences.startsAtLogin;
    startAtLogin(preferences.startsAtLogin);
  }

  get #client(): Hosting["client"] {
    if (this.#hosting === undefined) throw apiError("host-lost");
    return this.#hosting.client;
  }

  #loseHost(hosting: Hosting): void {
    if (this.#hosting !== hosting || this.#quitting !== undefined) return;
    this.#hosting = undefined;
    this.#companion.lose();
    setTimeout(() => void this.host(), RETRY_MS);
  }

  #fail(error: unknown): void {
    this.#options.face.showFailure(this.#sentencesOf(error));
  }

  #sentencesOf = (error: unknown): string => sentencesOf(noticeOf(error).notice, this.#companion.language);
}
