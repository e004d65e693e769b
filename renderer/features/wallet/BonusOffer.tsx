/** What lies on the account of the node key, where a newcomer's bonus lands, and the two ways to move it. */
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { useIsStale } from "../../store/hostStore.ts";
import { useQueryOf } from "../../store/queries.ts";
import type { Answer } from "../../store/api.ts";
import { Button } from "../../ui/Button.tsx";
import { formatNumber } from "../../ui/format.ts";
import { Failure, Notice } from "../../ui/notices.tsx";
import { Amount, Card, Stale } from "../../ui/show.tsx";
import { shortAddress } from "./payment.ts";
import { orderName, useSignedCall } from "./Unlock.tsx";

type Offer = NonNullable<Answer<"bonusOffer">["offer"]>;
type Way = Offer["ways"][number];

/** Nothing where nothing lies there. */
export function BonusOffer() {
  const { t } = useTranslation("wallet");
  const { value, isStale, atMs } = useQueryOf("bonusOffer", undefined, { refreshOn: ["history", "window-closed"] });
  const [isOpen, setIsOpen] = useState(false);
  const offer = value?.offer ?? null;
  if (offer === null) return null;
  return (
    <Card title={t("bonusTitle")}>
      {/* The ways below stay as they are: somebody may be about to sign one. */}
      <Stale isStale={isStale} atMs={atMs}>
        <p>
          {t("bonusWhere")} <Amount value={offer.balance} />
        </p>
      </Stale>
      {isOpen ? (
        <div className="tiles">
          {offer.ways.map((way) => (
            <BonusWay key={way.way} way={way} />
          ))}
        </div>
      ) : (
        <div className="row">
          <Button onPress={() => setIsOpen(true)}>{t("bonusWays")}</Button>
        </div>
      )}
    </Card>
  );
}

function BonusWay({
  way: { way, to, creates, cooldownWindows, earliestWindow, laterRewardsStay, warnings },
}: {
  way: Way;
}) {
  const { t, i18n } = useTranslation("wallet");
  const number = (value: number): string => formatNumber(value, i18n.language);
  const isStale = useIsStale();
  const [isOrdered, setIsOrdered] = useState(false);
  const move = useSignedCall("moveBonus", () => setIsOrdered(true));
  return (
    <section className="way-card">
      <h3>{t(way === "money" ? "bonusMoney" : "bonusKey")}</h3>
      <p className="quiet">
        {way === "money" ? t("bonusMoneyWhat", { address: to === null ? "" : shortAddress(to) }) : t("bonusKeyWhat")}
      </p>
      <ul className="points small quiet">
        {creates && <li>{t("bonusCreates")}</li>}
        {cooldownWindows !== null && cooldownWindows > 0 && (
          <li>{t("bonusCooldown", { windows: number(cooldownWindows), count: cooldownWindows })}</li>
        )}
        {creates && earliestWindow !== null && <li>{t("bonusEarliest", { window: number(earliestWindow) })}</li>}
        {laterRewardsStay && <li>{t("bonusLaterStay")}</li>}
        {!laterRewardsStay && <li>{t("bonusLaterGo")}</li>}
        <li>{t("noFee")}</li>
      </ul>
      {warnings.map((warning) => (
        <Notice key={warning.code} notice={warning} />
      ))}
      {isOrdered ? (
        <p role="status" className="good">
          {t("ordered")}
        </p>
      ) : (
        <div className="row">
          <Button isDisabled={isStale || move.isRunning} onPress={() => void move.run({ way, order: orderName() })}>
            {t(way === "money" ? "bonusMoneyDo" : "bonusKeyDo")}
          </Button>
        </div>
      )}
      <Failure failure={move.failure} />
      {move.dialog}
    </section>
  );
}
