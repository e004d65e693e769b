/**
 * Rules broken on purpose, to see that the checkers notice. A hook changes the source of one module while it is loaded, so that
 * the program needs no places to break it at. Must be called before the modules of a scenario are imported.
 */
import { registerHooks } from "node:module";

interface Break {
  /** End of the file's path. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** Each by what the program then does. */
export const BREAKS = {
  "forgets its lock": {
    file: "main/consensus/rules/vote.ts",
    find: "const polka = highestPolka(state);",
    replace: "const polka = undefined;",
  },
  "sends before it logs": {
    file: "test/simulation/node.ts",
    find: "    this.#unsynced.push(write);\n    world.writing(this);\n    this.#work(world.random.between(1, SIGN_MS_MAX), () => {\n      write();",
    replace:
      "    this.#work(world.random.between(1, SIGN_MS_MAX), () => {\n      this.later(world.random.between(1, 4000), write);",
  },
  "forgets what it signed": {
    file: "main/consensus/open.ts",
    find: "  state.signed.record(signed);\n  noteSeen",
    replace: "  noteSeen",
  },
  "takes half for a quorum": {
    file: "main/protocol/quorum/quorum.ts",
    find: "return sum >= quorum(params, activeWeight);",
    replace: "return 2n * sum >= activeWeight || sum >= quorum(params, activeWeight);",
  },
  "believes windows without a certificate": {
    file: "main/consensus/catchUp.ts",
    find: "const certificateFailure = verifyCertificate(crypto, context, hash, certificate);",
    replace: "const certificateFailure = undefined;",
  },
  "does not compare states": {
    file: "main/consensus/rules/validate.ts",
    find: '"roots" in outcome && areSameRoots(outcome.roots, header)',
    replace: '"roots" in outcome',
  },
  "pays a little more": {
    file: "main/protocol/transition/creditEmission.ts",
    find: "creditAccount(operator, emissionMoneta)",
    replace: "creditAccount(operator, emissionMoneta + 1n)",
  },
  "counts only the first vote of a node": {
    file: "main/consensus/pools/votes.ts",
    find: 'values.size < VOTE_VALUES_MAX ? "equivocation" : "surplus"',
    replace: '"surplus"',
  },
} as const satisfies Record<string, Break>;

export type Broken = keyof typeof BREAKS;

export function breakRule(name: Broken): void {
  const { file, find, replace }: Break = BREAKS[name];
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(file)) return loaded;
      const source = Buffer.from(loaded.source as Uint8Array).toString();
      if (source.split(find).length !== 2) throw new Error(`${file} has no place to break: ${find}`);
      return { ...loaded, source: source.replace(find, replace) };
    },
  });
}
