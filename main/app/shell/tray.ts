/** The tray: draws what trayModel.ts says. */
import type { MenuItemConstructorOptions, NativeImage } from "electron";

import { drawIcon, ICON_SIZE } from "../desktop/trayIcon.ts";
import type { TrayAction, TrayEntry, TrayModel } from "../desktop/trayModel.ts";
import type { ElectronApi } from "./electronApi.ts";

export class TrayView {
  readonly #electron: ElectronApi;
  readonly #tray: InstanceType<ElectronApi["Tray"]>;
  readonly #onAction: (action: TrayAction) => void;
  #shown = "";

  constructor(electron: ElectronApi, onAction: (action: TrayAction) => void) {
    this.#electron = electron;
    this.#onAction = onAction;
    this.#tray = new electron.Tray(this.#imageOf("off"));
    this.#tray.on("click", () => onAction({ kind: "open" }));
  }

  /** A menu that is open closes when it is set anew: only what changed is. */
  show(model: TrayModel): void {
    const shown = JSON.stringify(model);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#tray.setImage(this.#imageOf(model.icon));
    this.#tray.setToolTip(model.tooltip);
    const items = model.entries.map((entry) => this.#toItem(entry));
    this.#tray.setContextMenu(this.#electron.Menu.buildFromTemplate(items));
  }

  #imageOf(icon: TrayModel["icon"]): NativeImage {
    return this.#electron.nativeImage.createFromBitmap(drawIcon(icon), { width: ICON_SIZE, height: ICON_SIZE });
  }

  #toItem(entry: TrayEntry): MenuItemConstructorOptions {
    if (entry.kind === "separator") return { type: "separator" };
    if (entry.kind === "text") return { label: entry.label, enabled: false };
    const { label, action, isChecked } = entry;
    const click = (): void => this.#onAction(action);
    return isChecked === undefined ? { label, click } : { label, click, type: "checkbox", checked: isChecked };
  }
}
