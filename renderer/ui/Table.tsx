import type { ReactNode } from "react";

import "./ui.css";

export interface Column<Row> {
  readonly id: string;
  readonly name: string;
  readonly cell: (row: Row) => ReactNode;
  /** Numbers stand at the end of their column. */
  readonly isNumber?: boolean;
}

export interface TableProps<Row> {
  /** What the table shows, for who does not see it. */
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** What a row says may not hold. */
  readonly isStale?: (row: Row) => boolean;
  /** What stands there while there are no rows. */
  readonly empty?: ReactNode;
}

/** Scrolls sideways for itself where it is too wide, also by keyboard. */
export function Table<Row>({ label, columns, rows, keyOf, isStale, empty }: TableProps<Row>) {
  return (
    <div className="table-frame" role="region" aria-label={label} tabIndex={0}>
      <table className="table">
        <thead>
          <tr>
            {columns.map(({ id, name, isNumber }) => (
              <th key={id} scope="col" className={isNumber === true ? "number" : undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)} className={isStale?.(row) === true ? "stale-content" : undefined}>
              {columns.map(({ id, cell, isNumber }) => (
                <td key={id} className={isNumber === true ? "number figures" : undefined}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length === 0 && empty !== undefined && <div className="table-empty quiet">{empty}</div>}
    </div>
  );
}
