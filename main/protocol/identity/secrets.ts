/** Hygiene of secret bytes (chapter 01 §7). */

/** Overwrites secrets with zeros. Best effort: a garbage-collected runtime may have moved or copied them before. */
export function wipe(...secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0);
}

/** Compares secrets of equal length without a branch on their bytes. */
export function equalSecrets(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}
