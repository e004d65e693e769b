/**
 * An AppImage runs from a mount that goes with its process (AppImage type 2: APPDIR names it). What is to outlive that process
 * runs from a copy.
 */
import { cp, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, sep } from "node:path";

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

export interface Readable {
  readonly folder: string;
  readonly remove: () => Promise<void>;
}

/**
 * `folder` where an administrator's process can read it: even root may not look into another user's mount (FUSE, `allow_root`),
 * so of a folder in there this is a copy until `remove`.
 */
export async function readableByRoot(folder: string, mount: string | undefined): Promise<Readable> {
  const isInMount = mount !== undefined && mount !== "" && folder.startsWith(join(mount, sep));
  if (!isInMount) return { folder, remove: () => Promise.resolve() };
  const copy = await mkdtemp(join(tmpdir(), "montana-native-"));
  await cp(folder, copy, { recursive: true });
  return { folder: copy, remove: () => rm(copy, { recursive: true }) };
}
