/** Which share of the emission goes to newcomers. */
import { useTranslation } from "react-i18next";

import type { Output } from "../../../main/api/contract.ts";
import { formatNumber } from "../../ui/format.ts";
import { Card } from "../../ui/show.tsx";

export function Newcomers({ emission: { windows, toNewcomers } }: Pick<Output<"networkView">, "emission">) {
  const { t, i18n } = useTranslation("network");
  const share = windows === 0 ? 0 : toNewcomers / windows;
  const percent = new Intl.NumberFormat(i18n.language, { style: "percent", maximumFractionDigits: 1 }).format(share);
  const count = formatNumber(windows, i18n.language);
  return (
    <Card title={t("newcomersTitle")}>
      {windows === 0 ? (
        <p className="quiet">{t("newcomersUnknown")}</p>
      ) : (
        <>
          <p>
            {toNewcomers === 0
              ? t("newcomersNone", { windows: count })
              : t("newcomersShare", { share: percent, windows: count })}
          </p>
          <div className="network-share" aria-hidden="true">
            {toNewcomers > 0 && <span data-paid="bonus" style={{ flexGrow: toNewcomers }} />}
            {toNewcomers < windows && <span data-paid="other" style={{ flexGrow: windows - toNewcomers }} />}
          </div>
          <ul className="network-legend">
            <li>
              <span aria-hidden="true" className="network-key" data-paid="bonus" />
              {t("newcomersToNewcomers", { windows: formatNumber(toNewcomers, i18n.language) })}
            </li>
            <li>
              <span aria-hidden="true" className="network-key" data-paid="other" />
              {t("newcomersToNodes", { windows: formatNumber(windows - toNewcomers, i18n.language) })}
            </li>
          </ul>
        </>
      )}
    </Card>
  );
}
