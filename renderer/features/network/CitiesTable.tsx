/** The whitepaper's table of the network's cities, as the network publishes it. */
import { useTranslation } from "react-i18next";

import type { Output } from "../../../main/api/contract.ts";
import { formatNumber } from "../../ui/format.ts";
import { useSilentNodes } from "../../store/silence.ts";
import { Age, Amount, Card, StaleWord } from "../../ui/show.tsx";
import { Table } from "../../ui/Table.tsx";
import { useNameOf } from "./cityName.ts";
import { Pager } from "./Pager.tsx";
import { PAGE_ROWS } from "./pages.ts";

type Row = NonNullable<Output<"networkView">["table"]>["rows"][number];

/** Why nothing is known of a city's node. */
const MISSING = { no_data: "citiesNoData", unreachable: "citiesUnreachable", relay: "citiesRelay" } as const;

interface Paging {
  /** From 0. */
  readonly page: number;
  readonly onPage: (page: number) => void;
}

export function CitiesTable({ table, ...paging }: Paging & Pick<Output<"networkView">, "table">) {
  const { t } = useTranslation("network");
  return (
    <Card title={t("citiesTitle")}>
      {table === null || table.rows.length === 0 ? (
        <p className="quiet">{t("citiesEmpty")}</p>
      ) : (
        <>
          <p className="quiet small">
            {t("citiesIntro")} <Age atMs={table.atMs} />
          </p>
          <Rows rows={table.rows} {...paging} />
        </>
      )}
    </Card>
  );
}

function Rows({ rows, page: asked, onPage }: Paging & { readonly rows: readonly Row[] }) {
  const { t, i18n } = useTranslation("network");
  const nameOf = useNameOf();
  const silent = useSilentNodes();
  // The table may have become shorter.
  const page = Math.min(asked, Math.ceil(rows.length / PAGE_ROWS) - 1);
  const first = page * PAGE_ROWS;
  const shown = rows.slice(first, first + PAGE_ROWS);
  const number = (value: number | null): string => (value === null ? "–" : formatNumber(value, i18n.language));
  const phaseOf = ({ status, phase }: Row): string => {
    if (status !== "active") return t(MISSING[status]);
    return phase === null ? "–" : t(`phase-${phase}`, { defaultValue: phase });
  };
  return (
    <>
      <Table
        label={t("citiesTitle")}
        rows={shown}
        keyOf={({ city }) => city.id}
        isStale={({ city }) => silent.has(city.id)}
        columns={[
          {
            ...{ id: "city", name: t("city") },
            cell: ({ city }) => (
              <StaleWord sinceMs={silent.get(city.id)} of={`row ${city.id}`}>
                {nameOf(city)}
              </StaleWord>
            ),
          },
          { id: "phase", name: t("citiesPhase"), cell: phaseOf },
          { id: "window", name: t("citiesWindow"), isNumber: true, cell: ({ window }) => number(window) },
          { id: "nodes", name: t("nodesTitle"), isNumber: true, cell: ({ nodeTable }) => number(nodeTable) },
          {
            id: "balance",
            name: t("citiesBalance"),
            isNumber: true,
            cell: ({ balance }) => (balance === null ? "–" : <Amount value={balance} />),
          },
        ]}
      />
      <Pager
        what={t("citiesTitle")}
        range={{ first: first + 1, last: first + shown.length, all: rows.length }}
        onPrevious={page === 0 ? undefined : () => onPage(page - 1)}
        onNext={first + PAGE_ROWS >= rows.length ? undefined : () => onPage(page + 1)}
      />
    </>
  );
}
