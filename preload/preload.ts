/** The bridge, and nothing else: no part of Electron or Node reaches the page. */
import { contextBridge, ipcRenderer } from "electron";

import type { Bridge } from "./bridge.ts";

const bridge: Bridge = {
  onLink(listener) {
    const take = (): void => {
      void ipcRenderer.invoke("take-link").then((link: unknown) => {
        if (typeof link === "string") listener(link);
      });
    };
    ipcRenderer.on("link-there", take);
    take();
    return () => void ipcRenderer.off("link-there", take);
  },
};

contextBridge.exposeInMainWorld("montana", bridge);
