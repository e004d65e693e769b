/** What this room uses of Electron, by Electron's own types: main.ts passes the real one, tests a fake. */
import type * as Electron from "electron";

type Contents = Pick<
  Electron.WebContents,
  "id" | "getURL" | "isDestroyed" | "on" | "reload" | "send" | "session" | "setWindowOpenHandler"
>;

export interface ShellWindow extends Pick<
  Electron.BrowserWindow,
  "focus" | "getNormalBounds" | "isMaximized" | "isMinimized" | "loadURL" | "maximize" | "on" | "restore" | "show"
> {
  readonly webContents: Contents;
}

export type Session = Pick<
  Electron.Session,
  "on" | "setDevicePermissionHandler" | "setPermissionCheckHandler" | "setPermissionRequestHandler" | "protocol"
>;

type AppMembers =
  "exit" | "getLocale" | "getPath" | "on" | "quit" | "requestSingleInstanceLock" | "setAsDefaultProtocolClient";

export interface ElectronApi {
  readonly app: Pick<Electron.App, AppMembers | "setLoginItemSettings" | "whenReady">;
  readonly protocol: Pick<Electron.Protocol, "registerSchemesAsPrivileged">;
  readonly session: { readonly defaultSession: Session };
  readonly ipcMain: Pick<Electron.IpcMain, "handle">;
  readonly dialog: Pick<Electron.Dialog, "showErrorBox" | "showMessageBox">;
  readonly shell: Pick<Electron.Shell, "openExternal">;
  readonly screen: Pick<Electron.Screen, "getAllDisplays">;
  readonly nativeImage: Pick<typeof Electron.nativeImage, "createFromBitmap">;
  readonly Menu: Pick<typeof Electron.Menu, "buildFromTemplate" | "setApplicationMenu">;
  readonly BrowserWindow: new (options: Electron.BrowserWindowConstructorOptions) => ShellWindow;
  readonly Tray: new (
    image: Electron.NativeImage,
  ) => Pick<Electron.Tray, "on" | "setContextMenu" | "setImage" | "setToolTip">;
  readonly Notification: new (
    options: Electron.NotificationConstructorOptions,
  ) => Pick<Electron.Notification, "on" | "show">;
}
