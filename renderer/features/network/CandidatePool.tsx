/** Candidates that have registered and wait to be admitted, a page at a time. */
import { useTranslation } from "react-i18next";

import type { Output } from "../../../main/api/contract.ts";
import { formatNumber } from "../../ui/format.ts";
import { Failure } from "../../ui/notices.tsx";
import { Card } from "../../ui/show.tsx";
import { Table } from "../../ui/Table.tsx";
import { NodeId } from "./NodeId.tsx";
import { Pager } from "./Pager.tsx";
import { usePages, type Paging } from "./usePages.ts";

export function CandidatePool({ first, ...paging }: Paging & { readonly first: Output<"networkView">["candidates"] }) {
  const { t, i18n } = useTranslation("network");
  const { rows, isLoading, failure, ...pages } = usePages("candidatePool", first, paging);
  const number = (value: number): string => formatNumber(value, i18n.language);
  return (
    <Card
      title={t("candidatesTitle")}
      actions={<span className="quiet figures">{t("candidatesCount", { formatted: number(first.count) })}</span>}
    >
      <Failure failure={failure} />
      {first.count === 0 && rows.length === 0 ? (
        <p className="quiet">{t("candidatesEmpty")}</p>
      ) : (
        <Table
          label={t("candidatesTitle")}
          rows={rows}
          keyOf={({ nodeId }) => nodeId}
          empty={isLoading ? t("loading", { ns: "app" }) : t("candidatesEmpty")}
          columns={[
            { id: "node", name: t("node"), cell: (row) => <NodeId {...row} /> },
            {
              ...{ id: "registered", name: t("candidatesRegistered"), isNumber: true },
              cell: ({ registrationWindow }) => number(registrationWindow),
            },
            {
              ...{ id: "expires", name: t("candidatesExpires"), isNumber: true },
              cell: ({ expiresWindow }) => number(expiresWindow),
            },
            {
              ...{ id: "length", name: t("nodesChainLength"), isNumber: true },
              cell: ({ chainLength }) => number(chainLength),
            },
          ]}
        />
      )}
      <Pager what={t("candidatesTitle")} {...pages} />
    </Card>
  );
}
