/** For the tests; the script itself runs on Node versions that know no types. */
export function readAudit(output: string): { readonly skipped: string } | { readonly known: readonly string[] };
