/** The moment in which the network's whole emission of a window came to this person: shown until it is put away, once. */
import { useTranslation } from "react-i18next";

import { usePreferences, useSetPreferences } from "../../store/preferences.ts";
import { useQueryOf } from "../../store/queries.ts";
import { Button } from "../../ui/Button.tsx";
import { formatAmount, formatNumber } from "../../ui/format.ts";
import { pageHash } from "../wallet/hash.ts";
import { addressOf, shortAddress } from "../wallet/payment.ts";
import { StepHead } from "./StepHead.tsx";
import { welcomeOf, withSeen } from "./welcome.ts";

/** A node that has won ever since has its bonus further behind: it was shown long ago, or told by the history. */
const SEARCHED_ENTRIES = 200;

export function Welcome() {
  const { t, i18n } = useTranslation("join");
  const preferences = usePreferences();
  const setPreferences = useSetPreferences();
  const history = useQueryOf("history", { limit: SEARCHED_ENTRIES }, { refreshOn: ["history"] });
  const welcome = welcomeOf(history.value?.entries ?? []);
  if (welcome === null || preferences === undefined || preferences.seen.includes(welcome.name)) return null;
  return (
    <section className="welcome" data-moment="welcome">
      <div className="welcome-rings" aria-hidden="true">
        <span />
        <span />
        <span />
      </div>
      <p className="welcome-amount figures">
        {formatAmount(welcome.amount, i18n.language)} <span className="welcome-unit">Ɉ</span>
      </p>
      <StepHead>{t("welcomeTitle")}</StepHead>
      <p>{t("welcomeWhat", { window: formatNumber(welcome.window, i18n.language) })}</p>
      <p className="quiet">
        {t("welcomeWhere")} <span className="mono">{shortAddress(addressOf(pageHash, welcome.accountId))}</span>
      </p>
      <Button kind="main" onPress={() => void setPreferences({ seen: withSeen(preferences.seen, welcome.name) })}>
        {t("welcomeClose")}
      </Button>
    </section>
  );
}
