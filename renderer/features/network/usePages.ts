/** Reads one of the network's long tables page by page. */
import type { Answer } from "../../store/api.ts";
import type { Notice } from "../../../main/api/contract.ts";
import { useQueryOf } from "../../store/queries.ts";
import { afterOf, nextPage, PAGE_ROWS, previousPage, rangeOf, type Place } from "./pages.ts";
import type { PagerProps } from "./Pager.tsx";

type Long = "nodeTable" | "candidatePool";
type Row<N extends Long> = Answer<N>["rows"][number];

export interface Paging {
  readonly place: Place;
  readonly onPlace: (place: Place) => void;
}

export interface Pages<N extends Long> extends Omit<PagerProps, "what"> {
  readonly rows: readonly Row<N>[];
  readonly isLoading: boolean;
  readonly failure: Notice | null;
}

/** `first` is the first page, which came with everything else. */
export function usePages<N extends Long>(
  name: N,
  first: { readonly count: number; readonly rows: readonly Row<N>[] },
  { place, onPlace }: Paging,
): Pages<N> {
  const isFirst = place.passed.length === 0;
  const asked = useQueryOf<Long>(
    name,
    { ...afterOf(place), limit: PAGE_ROWS },
    { refreshOn: ["window-closed"], isOff: isFirst },
  );
  const rows = isFirst ? first.rows : ((asked.value?.rows ?? []) as readonly Row<N>[]);
  const range = rangeOf(place, rows.length, first.count);
  const last = rows.at(-1);
  return {
    rows,
    isLoading: !isFirst && asked.isLoading,
    failure: isFirst ? null : asked.failure,
    range,
    onPrevious: isFirst ? undefined : () => onPlace(previousPage(place)),
    onNext: range.last < range.all && last !== undefined ? () => onPlace(nextPage(place, last.nodeId)) : undefined,
  };
}
