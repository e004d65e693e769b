/**
 * As much of Electron as the shell uses (main/app/shell/electronApi.ts), without a screen. It follows Electron's own documents:
 * app (single instance: the second one is told by "second-instance" with its words; "before-quit" can be prevented),
 * BrowserWindow and webContents ("close" before "closed"; events of navigation can be prevented; setWindowOpenHandler), session
 * (permission handlers), protocol (`handle` is given a Request whose signal never fires; a response whose reader goes away has its
 * body cancelled, as since pull request 24014), ipcMain.handle, dialog, Tray, Menu, Notification, screen, nativeImage.
 */
import { EventEmitter } from "node:events";

import type {
  BrowserWindowConstructorOptions,
  MenuItemConstructorOptions,
  MessageBoxOptions,
  Rectangle,
} from "electron";

import type { ElectronApi } from "../../main/app/shell/electronApi.ts";

type Handler = (request: Request) => Promise<Response>;
type OpenHandler = (details: { readonly url: string }) => { readonly action: string };

/** An event that a listener may prevent. */
export class FakeEvent {
  isPrevented = false;
  readonly url: string;

  constructor(url = "") {
    this.url = url;
  }

  preventDefault(): void {
    this.isPrevented = true;
  }
}

class FakeContents extends EventEmitter {
  readonly sent: unknown[][] = [];
  reloads = 0;
  openHandler: OpenHandler | undefined;

  isDestroyed = (): boolean => false;

  send(...words: unknown[]): void {
    this.sent.push(words);
  }

  reload(): void {
    this.reloads++;
  }

  setWindowOpenHandler(handler: OpenHandler): void {
    this.openHandler = handler;
  }

  /** A page tries to go elsewhere; gives whether it may. */
  navigate(
    event: "will-navigate" | "will-frame-navigate" | "will-redirect" | "will-attach-webview",
    url: string,
  ): boolean {
    const navigation = new FakeEvent(url);
    this.emit(event, navigation);
    return !navigation.isPrevented;
  }
}

export class FakeWindow extends EventEmitter {
  readonly webContents = new FakeContents();
  readonly options: BrowserWindowConstructorOptions;
  readonly loaded: string[] = [];
  shows = 0;
  bounds: Rectangle;
  isBig = false;

  constructor(options: BrowserWindowConstructorOptions) {
    super();
    this.options = options;
    const { x = 0, y = 0, width = 800, height = 600 } = options;
    this.bounds = { x, y, width, height };
  }

  loadURL(url: string): Promise<void> {
    this.loaded.push(url);
    return Promise.resolve();
  }

  show(): void {
    this.shows++;
  }

  focus(): void {
    this.emit("focus");
  }

  maximize(): void {
    this.isBig = true;
  }

  isMinimized = (): boolean => false;
  isMaximized = (): boolean => this.isBig;
  getNormalBounds = (): Rectangle => this.bounds;
  restore = (): void => undefined;

  close(): void {
    this.emit("close", new FakeEvent());
    this.emit("closed");
  }
}

export class FakeNotification extends EventEmitter {
  readonly title: string;
  readonly body: string;
  isShown = false;

  constructor({ title = "", body = "" }: { readonly title?: string; readonly body?: string }) {
    super();
    [this.title, this.body] = [title, body];
  }

  show(): void {
    this.isShown = true;
  }
}

class FakeTray extends EventEmitter {
  tooltip = "";
  icon: Buffer;
  menu: readonly MenuItemConstructorOptions[] = [];

  constructor(icon: Buffer) {
    super();
    this.icon = icon;
  }

  setImage(icon: Buffer): void {
    this.icon = icon;
  }

  setToolTip(tooltip: string): void {
    this.tooltip = tooltip;
  }

  setContextMenu(menu: readonly MenuItemConstructorOptions[]): void {
    this.menu = menu;
  }

  labels(): string[] {
    return this.menu.map(({ label, type }) => label ?? type ?? "");
  }

  click(label: string): void {
    const item = this.menu.find((entry) => entry.label === label);
    if (item?.click === undefined) throw new Error(`the tray has no ${label}, but ${this.labels().join(", ")}`);
    (item.click as () => void)();
  }
}

export interface FakeOptions {
  /** Of the program's own files. */
  readonly userData: string;
  /** Another instance of the program runs. */
  readonly isSecond?: boolean;
  readonly locale?: string;
}

export class FakeElectron {
  readonly windows: FakeWindow[] = [];
  readonly notifications: FakeNotification[] = [];
  readonly trays: FakeTray[] = [];
  readonly questions: MessageBoxOptions[] = [];
  readonly failures: string[] = [];
  readonly opened: string[] = [];
  readonly schemes: unknown[] = [];
  readonly handlers = new Map<string, Handler>();
  readonly permissions: Record<"request" | "check" | "device", ((...words: never[]) => unknown) | undefined> = {
    ...{ request: undefined, check: undefined, device: undefined },
  };
  /** What the person answers to the next question. */
  answer = { response: 2, checkboxChecked: false };
  /** Codes with which the program ended. */
  readonly exits: number[] = [];
  quits = 0;
  applicationMenu: unknown = "the default one";
  readonly app = new EventEmitter();
  readonly #ipc = new Map<string, (event: unknown) => unknown>();
  readonly #options: FakeOptions;

  constructor(options: FakeOptions) {
    this.#options = options;
  }

  get api(): ElectronApi {
    const { isSecond = false, locale = "en-GB", userData } = this.#options;
    const app = Object.assign(this.app, {
      requestSingleInstanceLock: () => !isSecond,
      whenReady: () => Promise.resolve(),
      getLocale: () => locale,
      getPath: () => userData,
      setAsDefaultProtocolClient: () => true,
      quit: () => {
        this.quits++;
      },
      exit: (code: number) => void this.exits.push(code),
    });
    const keep = <T>(list: T[], made: T): T => {
      list.push(made);
      return made;
    };
    const { windows, trays, notifications } = this;
    const api = {
      app,
      protocol: { registerSchemesAsPrivileged: (schemes: unknown[]) => void this.schemes.push(...schemes) },
      session: { defaultSession: this.#session() },
      ipcMain: { handle: (name: string, answer: (event: unknown) => unknown) => void this.#ipc.set(name, answer) },
      dialog: {
        showErrorBox: (_title: string, text: string) => void this.failures.push(text),
        showMessageBox: (options: MessageBoxOptions) => {
          this.questions.push(options);
          return Promise.resolve(this.answer);
        },
      },
      shell: { openExternal: (url: string) => Promise.resolve(void this.opened.push(url)) },
      screen: { getAllDisplays: () => [{ workArea: { x: 0, y: 0, width: 1920, height: 1080 } }] },
      nativeImage: { createFromBitmap: (bitmap: Buffer) => bitmap },
      Menu: {
        buildFromTemplate: (items: unknown) => items,
        setApplicationMenu: (menu: unknown) => void (this.applicationMenu = menu),
      },
      BrowserWindow: function (options: BrowserWindowConstructorOptions) {
        return keep(windows, new FakeWindow(options));
      },
      Tray: function (icon: Buffer) {
        return keep(trays, new FakeTray(icon));
      },
      Notification: function (options: { readonly title?: string; readonly body?: string }) {
        return keep(notifications, new FakeNotification(options));
      },
    };
    return api as unknown as ElectronApi;
  }

  get tray(): FakeTray {
    return this.trays[0]!;
  }

  /** The one that is open, or was last. */
  get window(): FakeWindow {
    return this.windows.at(-1)!;
  }

  /** The page asks for `path`, as Chromium would. */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const url = new URL(path, "app://montana/");
    // Electron makes a request of its own for the handler: nothing the page aborts reaches its signal.
    return this.handlers.get(url.protocol.slice(0, -1))!(new Request(url, { ...init, signal: null }));
  }

  /** The page, or something that is not, calls the shell. */
  invoke(name: string, url = "app://montana/"): unknown {
    return this.#ipc.get(name)!({ senderFrame: { url } });
  }

  /** Gives whether the program goes on for now. */
  requestQuit(): boolean {
    const event = new FakeEvent();
    this.app.emit("before-quit", event);
    return event.isPrevented;
  }

  #session(): unknown {
    return Object.assign(new EventEmitter(), {
      protocol: { handle: (scheme: string, handler: Handler) => void this.handlers.set(scheme, handler) },
      setPermissionRequestHandler: (handler: never) => void (this.permissions.request = handler),
      setPermissionCheckHandler: (handler: never) => void (this.permissions.check = handler),
      setDevicePermissionHandler: (handler: never) => void (this.permissions.device = handler),
    });
  }
}
