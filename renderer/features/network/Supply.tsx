/** The supply beside what the protocol says that it must be. */
import { useTranslation } from "react-i18next";

import type { Output } from "../../../main/api/contract.ts";
import { formatAmount, formatNumber } from "../../ui/format.ts";
import { Amount, Badge, Card, Facts } from "../../ui/show.tsx";
import { checkSupply, type SupplyCheck } from "./supply.ts";

export function Supply({ view }: { view: Output<"networkView"> }) {
  const { t } = useTranslation("network");
  const check = checkSupply(view);
  return (
    <Card
      title={t("supplyTitle")}
      actions={
        check !== null && (
          <Badge tone={check.difference === 0n ? "good" : "danger"}>
            {t(check.difference === 0n ? "supplyAgree" : "supplyDiffer")}
          </Badge>
        )
      }
    >
      {check === null || view.window === null ? (
        <p className="quiet">{t("supplyUnknown")}</p>
      ) : (
        <Sums check={check} window={view.window} />
      )}
    </Card>
  );
}

function Sums({ check, window }: { check: SupplyCheck; window: number }) {
  const { t, i18n } = useTranslation("network");
  const { supply, expected, credited, underWay, difference } = check;
  return (
    <>
      <Facts
        facts={[
          [
            t("supplySupply"),
            <strong key="supply">
              <Amount value={supply.toString()} />
            </strong>,
          ],
          [
            t("supplyExpected", { window: formatNumber(window, i18n.language) }),
            <Amount key="expected" value={expected.toString()} />,
          ],
          [t("supplyCredited"), <Amount key="credited" value={credited?.toString() ?? null} />],
          [t("supplyUnderWay"), <Amount key="underWay" value={underWay.toString()} sign />],
        ]}
      />
      {difference !== 0n && (
        <p className="network-wrong" role="alert">
          {t("supplyDifference", { difference: formatAmount(difference.toString(), i18n.language, true) })}
        </p>
      )}
    </>
  );
}
