/** The window, and what nothing that is loaded into it may do (Electron, "Security"). */
import { readWindowState, placeWindow, SIZE_MIN, writeWindowState } from "../desktop/windowState.ts";
import type { ElectronApi, Session, ShellWindow } from "./electronApi.ts";
import { PAGE_URL } from "../desktop/pageProtocol.ts";

/** Sites that a link in the page may open in the person's browser. */
const LINKED_ORIGINS = new Set(["https://github.com", "https://montana.quest"]);

export interface WindowOptions {
  readonly electron: ElectronApi;
  /** Absolute path of the built preload script. */
  readonly preload: string;
  /** Remembers where the window was. */
  readonly stateFile: string;
  /** It was closed, or its process ended and begins anew. */
  readonly onPageGone: (isClosed: boolean) => void;
}

export function openWindow({ electron, preload, stateFile, onPageGone }: WindowOptions): ShellWindow {
  const screens = electron.screen.getAllDisplays().map(({ workArea }) => workArea);
  const { bounds, isMaximized } = placeWindow(readWindowState(stateFile), screens);
  const window = new electron.BrowserWindow({
    ...{ ...bounds, minWidth: SIZE_MIN.width, minHeight: SIZE_MIN.height, title: "Montana", autoHideMenuBar: true },
    webPreferences: {
      ...{ preload, sandbox: true, contextIsolation: true, nodeIntegration: false, nodeIntegrationInWorker: false },
      ...{ nodeIntegrationInSubFrames: false, webSecurity: true, allowRunningInsecureContent: false },
      ...{ webviewTag: false, navigateOnDragDrop: false, spellcheck: false, experimentalFeatures: false },
    },
  });
  guardContents(window.webContents, electron);
  window.on("close", () => {
    writeWindowState(stateFile, { bounds: window.getNormalBounds(), isMaximized: window.isMaximized() });
  });
  // Host, node and tunnel are elsewhere; the page finds them again.
  window.webContents.on("render-process-gone", (_event, { reason }) => {
    onPageGone(false);
    if (reason !== "clean-exit" && !window.webContents.isDestroyed()) window.webContents.reload();
  });
  window.on("closed", () => onPageGone(true));
  if (isMaximized) window.maximize();
  void window.loadURL(PAGE_URL);
  return window;
}

/** The page stays the page: no other one, no further window, no embedded content. */
function guardContents(contents: ShellWindow["webContents"], { shell }: ElectronApi): void {
  const deny = (event: { preventDefault(): void; readonly url: string }): void => {
    if (event.url !== PAGE_URL) event.preventDefault();
  };
  contents.on("will-navigate", deny);
  contents.on("will-frame-navigate", deny);
  contents.on("will-redirect", deny);
  contents.on("will-attach-webview", (event) => event.preventDefault());
  contents.setWindowOpenHandler(({ url }) => {
    if (URL.canParse(url) && LINKED_ORIGINS.has(new URL(url).origin)) void shell.openExternal(new URL(url).href);
    return { action: "deny" };
  });
}

/** The page needs none of what Chromium can ask a person for, but to copy an address that was clicked. */
export function guardSession(session: Session): void {
  const isAllowed = (permission: string): boolean => permission === "clipboard-sanitized-write";
  session.setPermissionRequestHandler((_contents, permission, answer) => answer(isAllowed(permission)));
  session.setPermissionCheckHandler((_contents, permission) => isAllowed(permission));
  session.setDevicePermissionHandler(() => false);
}
