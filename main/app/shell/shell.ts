/** The desktop app in Electron: one instance, one window, a tray; what they mean is in ../desktop. */
import { join } from "node:path";

import type { Announcement } from "../desktop/announcer.ts";
import { Desktop, type DesktopOptions, type Face } from "../desktop/desktop.ts";
import { isLink, LINK_SCHEME, linkIn } from "../desktop/links.ts";
import { PAGE_URL, PRIVILEGED, SCHEME } from "../desktop/pageProtocol.ts";
import type { QuitAnswer } from "../desktop/quitting.ts";
import type { ElectronApi, ShellWindow } from "./electronApi.ts";
import { TrayView } from "./tray.ts";
import { guardSession, openWindow } from "./window.ts";

/** Given by the entry that starts the program with the desktop. */
export const HIDDEN = "--hidden";

export interface ShellOptions extends Omit<DesktopOptions, "face"> {
  readonly electron: ElectronApi;
  readonly argv: readonly string[];
  /** Absolute path of the built preload script. */
  readonly preload: string;
}

/** Resolves when everything runs, or when another instance has been told instead. */
export async function runShell(options: ShellOptions): Promise<void> {
  const { electron, argv, preload } = options;
  const { app, ipcMain, session } = electron;
  electron.protocol.registerSchemesAsPrivileged(PRIVILEGED);
  if (!app.requestSingleInstanceLock()) {
    app.quit();
    return;
  }
  let window: ShellWindow | undefined;
  const onPageGone = (isClosed: boolean): void => {
    if (isClosed) window = undefined;
    desktop.losePage();
  };
  const face: Face = {
    get isWindowOpen() {
      return window !== undefined;
    },
    languageOfDesktop: () => app.getLocale(),
    openWindow() {
      const stateFile = join(app.getPath("userData"), "window.json");
      window ??= openWindow({ electron, preload, stateFile, onPageGone });
      if (window.isMinimized()) window.restore();
      window.show();
      window.focus();
    },
    tellOfLink: () => window?.webContents.send("link-there"),
    showTray: (model) => void ready.then((tray) => tray.show(model)),
    announce: (announcement) => announce(electron, announcement, () => desktop.open()),
    askOnQuit: (text) => askOnQuit(electron, text),
    showFailure: (text) => electron.dialog.showErrorBox("Montana", text),
    exit: (code) => app.exit(code),
  };
  const desktop = new Desktop({ ...options, face });
  // A link may come before the program is ready.
  const ready = app.whenReady().then(() => {
    guardSession(session.defaultSession);
    session.defaultSession.protocol.handle(SCHEME, (request) => desktop.page.answer(request));
    electron.Menu.setApplicationMenu(null);
    return new TrayView(electron, (action) => void desktop.act(action));
  });
  const open = (link?: string): void => void ready.then(() => desktop.open(link));
  app.setAsDefaultProtocolClient(LINK_SCHEME);
  app.on("second-instance", (_event, words) => open(linkIn(words)));
  app.on("open-url", (event, url) => {
    event.preventDefault();
    open(isLink(url) ? url : undefined);
  });
  app.on("activate", () => open());
  // The tray stays, and what runs behind it.
  app.on("window-all-closed", () => undefined);
  app.on("before-quit", (event) => {
    event.preventDefault();
    desktop.quit();
  });
  ipcMain.handle("take-link", ({ senderFrame }) => (senderFrame?.url === PAGE_URL ? desktop.takeLink() : undefined));
  await ready;
  if (argv.includes(HIDDEN)) desktop.show();
  else desktop.open(linkIn(argv));
  await desktop.host();
}

function announce({ Notification }: ElectronApi, { title, body }: Announcement, onClick: () => void): void {
  const notification = new Notification({ title, body });
  notification.on("click", onClick);
  notification.show();
}

async function askOnQuit({ dialog }: ElectronApi, text: Parameters<Face["askOnQuit"]>[0]): Promise<QuitAnswer> {
  const { response, checkboxChecked } = await dialog.showMessageBox({
    ...{ type: "question", title: "Montana", message: text("quitTitle"), detail: text("quitText") },
    ...{ buttons: [text("quitKeep"), text("quitStop"), text("cancel")], defaultId: 0, cancelId: 2, noLink: true },
    checkboxLabel: text("remember"),
  });
  if (response === 2) return "cancel";
  return { choice: response === 0 ? "keep" : "stop", isRemembered: checkboxChecked };
}
