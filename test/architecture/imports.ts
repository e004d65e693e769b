/** Reads the import graph of a folder with dependency-cruiser. */
import { relative } from "node:path";

import { cruise, type ICruiseResult } from "dependency-cruiser";

import type { Import } from "./arrows.ts";

export interface ImportGraph {
  readonly modules: readonly string[];
  readonly imports: readonly Import[];
}

/** `folders` are relative to `root`; tests are left out, since they may look anywhere. */
export async function readImportGraph(root: string, folders: readonly string[]): Promise<ImportGraph> {
  const { output } = await cruise([...folders], {
    baseDir: root,
    doNotFollow: { path: ["node_modules"] },
    exclude: { path: ["\\.test\\.ts$", "\\.fixture\\.ts$"] },
    tsPreCompilationDeps: true,
  });
  const own = (output as ICruiseResult).modules.filter(({ source }) => /\.m?[jt]sx?$/.test(source) && isOwn(source));
  return {
    modules: own.map(({ source }) => relative(root, `${root}/${source}`)),
    imports: own.flatMap(({ source, dependencies }) =>
      dependencies.map(({ resolved, module, dependencyTypes }) => ({
        from: source,
        to: dependencyTypes.includes("core")
          ? `node:${module.replace(/^node:/, "")}`
          : isOwn(resolved)
            ? resolved
            : module,
      })),
    ),
  };
}

const isOwn = (path: string): boolean => /^(main|renderer|preload|test|build)\//.test(path);
