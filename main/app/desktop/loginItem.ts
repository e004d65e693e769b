/** Starting with the desktop, where Electron itself cannot (Linux): an entry as the XDG autostart specification has it. */
import { homedir } from "node:os";

import { loginEntry, type LoginEntry } from "../../vpn/systemProxy/loginEntry.ts";

/** `command`: program and arguments. */
export function linuxLoginItem(command: readonly string[], environment: NodeJS.ProcessEnv): LoginEntry {
  return loginEntry({
    ...{ platform: "linux", home: homedir(), env: environment, command, name: "montana", title: "Montana" },
    run: () => Promise.reject(new Error("an autostart entry is a file")),
  });
}
