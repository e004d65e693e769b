/**
 * What can go wrong, as a value: `code` names it (the names are the chapters' own), `params` hold the facts that a sentence
 * about it needs. The sentence itself is written where a person reads it. Params never hold secrets.
 */
export class ProtocolError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly params: ErrorParams;

  constructor(code: Code, params: ErrorParams = {}) {
    super(code);
    this.name = "ProtocolError";
    this.code = code;
    this.params = params;
  }
}

export type ErrorParams = Readonly<Record<string, string | number | bigint | boolean>>;

/** A condition that holds unless this program is wrong. Stays on in production: a wrong state must stop, not spread. */
export function invariant(condition: boolean, broken: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${broken}`);
}
