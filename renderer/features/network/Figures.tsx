import { useTranslation } from "react-i18next";

import type { Output } from "../../../main/api/contract.ts";
import { formatNumber } from "../../ui/format.ts";
import { Card, Facts } from "../../ui/show.tsx";

export function Figures({ view }: { view: Output<"networkView"> }) {
  const { t, i18n } = useTranslation("network");
  const number = (value: number, digits = 0): string => formatNumber(value, i18n.language, digits);
  const { window, timechainValue, d, meanWindowSeconds, peers, accounts } = view;
  const unknown = t("unknown", { ns: "app" });
  return (
    <Card title={t("figuresTitle")}>
      <Facts
        facts={[
          [t("figuresWindow"), <strong key="window">{window === null ? unknown : number(window)}</strong>],
          [
            t("figuresMean"),
            meanWindowSeconds === null
              ? unknown
              : t("secondsShort", { ns: "app", value: number(meanWindowSeconds, meanWindowSeconds < 10 ? 2 : 1) }),
          ],
          [t("figuresD"), number(d)],
          [t("figuresPeers"), number(peers.length)],
          [t("figuresAccounts"), number(accounts)],
        ]}
      />
      <div>
        <p className="quiet">{t("figuresTime")}</p>
        <p className="mono" data-time>
          {timechainValue ?? unknown}
        </p>
      </div>
    </Card>
  );
}
