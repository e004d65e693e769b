/** The Node Table, a page at a time. */
import { useTranslation } from "react-i18next";

import type { Output } from "../../../main/api/contract.ts";
import { formatNumber } from "../../ui/format.ts";
import { Failure } from "../../ui/notices.tsx";
import { Card } from "../../ui/show.tsx";
import { Table } from "../../ui/Table.tsx";
import { useNameOf } from "./cityName.ts";
import { NodeId } from "./NodeId.tsx";
import { Pager } from "./Pager.tsx";
import { usePages, type Paging } from "./usePages.ts";

export function NodeTable({ first, ...paging }: Paging & { readonly first: Output<"networkView">["nodes"] }) {
  const { t, i18n } = useTranslation("network");
  const nameOf = useNameOf();
  const { rows, isLoading, failure, ...pages } = usePages("nodeTable", first, paging);
  const number = (value: number): string => formatNumber(value, i18n.language);
  return (
    <Card
      title={t("nodesTitle")}
      actions={<span className="quiet figures">{t("nodesCount", { formatted: number(first.count) })}</span>}
    >
      <Failure failure={failure} />
      <Table
        label={t("nodesTitle")}
        rows={rows}
        keyOf={({ nodeId }) => nodeId}
        empty={isLoading ? t("loading", { ns: "app" }) : t("nodesEmpty")}
        columns={[
          { id: "node", name: t("node"), cell: (row) => <NodeId {...row} /> },
          { id: "city", name: t("city"), cell: ({ city }) => (city === null ? "–" : nameOf(city)) },
          { id: "length", name: t("nodesChainLength"), isNumber: true, cell: ({ chainLength }) => number(chainLength) },
          { id: "start", name: t("nodesStartWindow"), isNumber: true, cell: ({ startWindow }) => number(startWindow) },
        ]}
      />
      <Pager what={t("nodesTitle")} {...pages} />
    </Card>
  );
}
