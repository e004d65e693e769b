/** The helper of whole-device mode: put on this machine, and taken away, by an administrator whom the system asks. */
import { dirname } from "node:path";

import { installCommand, runAsAdministrator, uninstallCommand } from "../vpn/wholeDevice/install.ts";
import { findBinaries } from "../xray/binaries.ts";
import { readableByRoot } from "./desktop/appImage.ts";

export interface Administering {
  /** This process has a terminal, in which the password may be asked for. */
  readonly hasTerminal: boolean;
  /** Told of the command before it runs. */
  readonly say: (command: string) => void;
}

/**
 * Ends when the person has answered and the helper is installed, or gone; gives the command that did it. Throws the codes of
 * `installCommand` and `runAsAdministrator`.
 */
export async function administerHelper(
  deed: "install" | "uninstall",
  { hasTerminal, say }: Administering,
): Promise<string> {
  const { APPDIR, DISPLAY, WAYLAND_DISPLAY } = process.env;
  const native = await readableByRoot(dirname(findBinaries().xray), APPDIR);
  try {
    const asking = {
      ...{ binaries: findBinaries(native.folder), hasTerminal },
      hasDesktop: Boolean(DISPLAY) || Boolean(WAYLAND_DISPLAY),
    };
    const command = await (deed === "install" ? installCommand : uninstallCommand)(asking);
    say(command.text);
    await runAsAdministrator(command);
    return command.text;
  } finally {
    await native.remove();
  }
}
