/**
 * Which room may import which (design.md, "The house"). Dependencies point one way; a room that is not listed has no place
 * yet and fails the test.
 */

/** Room → what it may import besides itself: other rooms, `node:` builtins, packages (by name, `*` for any). */
export interface Arrows {
  readonly rooms: readonly string[];
  readonly builtins: boolean;
  readonly packages: readonly string[] | "any";
}

const pure = (...rooms: string[]): Arrows => ({ rooms, builtins: false, packages: [] });
const shell = (...rooms: string[]): Arrows => ({ rooms, builtins: true, packages: "any" });

export const arrows: Readonly<Record<string, Arrows>> = {
  "main/protocol": pure(),
  "main/files": { rooms: ["main/protocol/errors.ts"], builtins: true, packages: [] },
  "main/consensus": pure("main/protocol"),
  // Its errors are the same {code, params} as everybody's.
  "main/cities": pure("main/protocol/errors.ts"),
  "main/native": {
    rooms: ["main/protocol"],
    builtins: true,
    packages: ["@noble/ciphers", "@noble/curves", "@noble/hashes", "@noble/post-quantum"],
  },
  "main/network/messages": pure("main/protocol"),
  "main/network/gossip": pure("main/protocol", "main/network/messages"),
  "main/network/privacy": pure("main/protocol"),
  "main/network/radio": pure("main/protocol"),
  "main/network": shell("main/protocol", "main/native", "main/files"),
  "main/keystore": shell("main/protocol", "main/native", "main/files"),
  "main/node": shell("main/consensus", "main/network", "main/keystore", "main/native", "main/protocol", "main/files"),
  "main/wallet": shell("main/consensus", "main/network", "main/keystore", "main/native", "main/protocol", "main/files"),
  // Its errors are the same {code, params} as everybody's.
  "main/xray": shell("main/native", "main/cities", "main/files", "main/protocol/errors.ts"),
  // Its errors are the same {code, params} as everybody's.
  "main/vpn": shell("main/xray", "main/cities", "main/files", "main/protocol/errors.ts"),
  // Its errors are the same {code, params} as everybody's.
  "main/mesh": shell("main/xray", "main/cities", "main/files", "main/native", "main/protocol/errors.ts"),
  // It drives the command line and imports of the program only what names a process and writes a file safely.
  "main/local": shell("main/xray/processes.ts", "main/xray/certificate.ts", "main/files", "main/protocol/errors.ts"),
  "main/api": shell("main/node", "main/wallet", "main/vpn", "main/mesh", "main/local", "main/protocol"),
  "main/app": shell(
    ...[
      "protocol",
      "files",
      "native",
      "consensus",
      "network",
      "keystore",
      "node",
      "wallet",
      "xray",
      "cities",
      "vpn",
      "mesh",
    ].map((name) => `main/${name}`),
    "main/local",
    "main/api",
  ),
  // Also what errors mean in each language, and the pure rules by which it tells a person at once what an entry lacks.
  renderer: {
    rooms: [
      ...["main/api/contract.ts", "main/api/client.ts", "main/api/errors.ts", "main/api/sentences", "main/protocol"],
      "preload/bridge.ts",
    ],
    builtins: false,
    packages: "any",
  },
  preload: { rooms: [], builtins: false, packages: ["electron"] },
  "test/conformance/runners": {
    rooms: ["main", "test/conformance/harness.ts"],
    builtins: false,
    packages: [],
  },
};

export interface Import {
  readonly from: string;
  /** A path inside the checkout, `node:NAME` or a package name. */
  readonly to: string;
}

export function roomOf(path: string): string | undefined {
  return Object.keys(arrows).find((room) => isInside(path, room));
}

/** The imports that go a way they must not, as sentences. */
export function findForbidden(imports: readonly Import[]): string[] {
  return imports.flatMap(({ from, to }) => {
    const room = roomOf(from);
    if (room === undefined) return from.startsWith("main/") ? [`${from} lies in no known room`] : [];
    return isAllowed(room, arrows[room]!, to) ? [] : [`${from} must not import ${to}`];
  });
}

function isAllowed(room: string, { rooms, builtins, packages }: Arrows, to: string): boolean {
  if (to.startsWith("node:")) return builtins;
  if (isPath(to)) return [room, ...rooms].some((allowed) => isInside(to, allowed));
  return packages === "any" || packages.some((name) => isInside(to, name));
}

const isPath = (to: string): boolean => /^(main|renderer|preload|test|build)\//.test(to);

const isInside = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

/** Everything that the modules `entries` import, directly or not, and themselves. */
export function reachable(imports: readonly Import[], entries: readonly string[]): ReadonlySet<string> {
  const importsOf = Map.groupBy(imports, ({ from }) => from);
  const reached = new Set<string>();
  const waiting = [...entries];
  for (let module = waiting.pop(); module !== undefined; module = waiting.pop()) {
    if (reached.has(module)) continue;
    reached.add(module);
    for (const { to } of importsOf.get(module) ?? []) waiting.push(to);
  }
  return reached;
}
