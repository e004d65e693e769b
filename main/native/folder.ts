/** Where the binaries lie that belong to the program: the add-on, the tunnel's engine, its guard and the helper. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * A package holds modules whose types were taken out, and the binaries beside the folder (or the asar) of its modules, for
 * neither the system's loader nor another process reads an asar; see docs/packaging.md. In a checkout `build/scripts/native.mjs`
 * and `build/scripts/xray.ts` put them there.
 */
export const NATIVE_FOLDER = import.meta.url.endsWith(".js")
  ? join(dirname(ROOT), "native")
  : join(ROOT, ".cache", "native", `${process.platform}-${process.arch}`);
