/** How the program ends, for scripts. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  noHost: 3,
  held: 4,
  secret: 5,
  defect: 70,
} as const;

export const EXIT_MEANINGS: readonly (readonly [number, string])[] = [
  [EXIT.ok, "done"],
  [EXIT.failed, "failed; the message says why"],
  [EXIT.usage, "wrong command, option or value"],
  [EXIT.noHost, "no host runs on the data directory"],
  [EXIT.held, "another process holds the data directory"],
  [EXIT.secret, "the passphrase is missing or wrong, or the account is locked"],
  [EXIT.defect, "a defect of this program"],
];

const BY_CODE: Readonly<Record<string, number>> = {
  "command-unknown": EXIT.usage,
  usage: EXIT.usage,
  "invalid-input": EXIT.usage,
  "amount-invalid": EXIT.usage,
  "not-confirmed": EXIT.usage,
  "network-needed": EXIT.usage,
  "networks-stored": EXIT.usage,
  "nothing-stored": EXIT.noHost,
  "host-not-running": EXIT.noHost,
  "host-running": EXIT.held,
  "host-starting": EXIT.held,
  "mesh-running": EXIT.held,
  "local-busy": EXIT.held,
  "local-not-running": EXIT.noHost,
  "host-not-answering": EXIT.held,
  "host-newer": EXIT.held,
  "host-older": EXIT.held,
  "wrong-passphrase": EXIT.secret,
  "passphrase-needed": EXIT.secret,
  "passphrase-cancelled": EXIT.secret,
  "passphrases-differ": EXIT.secret,
  "passphrase-too-short": EXIT.secret,
  "passphrase-too-long": EXIT.secret,
  "passphrase-not-one-line": EXIT.secret,
  "account-locked": EXIT.secret,
  internal: EXIT.defect,
};

export function exitCodeOf(code: string): number {
  return BY_CODE[code] ?? EXIT.failed;
}
