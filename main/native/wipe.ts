/** Overwrites secrets. Copies that a runtime or a library made cannot be reached from here (docs/constant-time.md). */
export function wipe(...secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0);
}
