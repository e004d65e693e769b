/**
 * An AppImage runs from a mount that goes with its process (AppImage type 2: APPDIR names it). What is to outlive that process
 * runs from a copy.
 */
import { cp, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join, relative } from "node:path";

export interface Runtime {
  readonly program: string;
  /** The command line's module. */
  readonly cli: string;
}

/**
 * The same runtime outside of the mount: `folder`/`version`, copied unless it is there whole; copies of other versions go. What
 * is not in a mount stays where it is. Call it while no other process runs from `folder`.
 */
export async function settleRuntime(
  runtime: Runtime,
  { mount, folder, version }: { readonly mount: string | undefined; readonly folder: string; readonly version: string },
): Promise<Runtime> {
  if (mount === undefined || mount === "") return runtime;
  const inMount = (path: string): string => relative(mount, path);
  const paths = [inMount(runtime.program), inMount(runtime.cli)];
  if (paths.some((path) => path.startsWith(".."))) return runtime;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const copy = join(folder, version);
  const present = await readdir(folder);
  for (const name of present) if (name !== version) await rm(join(folder, name), { recursive: true, force: true });
  if (!present.includes(version)) {
    const fresh = `${copy}.new`;
    await cp(mount, fresh, { recursive: true, verbatimSymlinks: true });
    await rename(fresh, copy);
  }
  return { program: join(copy, paths[0]!), cli: join(copy, paths[1]!) };
}
