/** A table that is read page by page, where each page begins after the last row of the one before. */

export const PAGE_ROWS = 25;

/** The last rows of the pages before this one: none on the first page. */
export interface Place {
  readonly passed: readonly string[];
}

export const FIRST_PAGE: Place = { passed: [] };

/** What to ask for. */
export const afterOf = ({ passed }: Place): { readonly after?: string } =>
  passed.length === 0 ? {} : { after: passed.at(-1)! };

/** `last` is the last row of the page that is shown. */
export const nextPage = ({ passed }: Place, last: string): Place => ({ passed: [...passed, last] });

export const previousPage = ({ passed }: Place): Place => ({ passed: passed.slice(0, -1) });

/** Of the rows that are shown, from 1; `all` is never less than what is seen, for a table may have grown since it was counted. */
export function rangeOf({ passed }: Place, rows: number, counted: number) {
  const before = passed.length * PAGE_ROWS;
  return { first: rows === 0 ? 0 : before + 1, last: before + rows, all: Math.max(counted, before + rows) };
}
