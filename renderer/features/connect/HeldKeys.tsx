/** Keys of cities that changed: not used before a person has said so. */
import { useTranslation } from "react-i18next";

import { useCall } from "../../store/calls.ts";
import { putAnswer, useQueryOf, useRefresh } from "../../store/queries.ts";
import { Button } from "../../ui/Button.tsx";
import { Failure, useExplain } from "../../ui/notices.tsx";
import { placeOf, type City } from "../map/cities.ts";

export function HeldKeys({ cities }: { cities: readonly City[] }) {
  const { t, i18n } = useTranslation("connect");
  const explain = useExplain();
  const keys = useQueryOf("vpnKeys", undefined, { refreshOn: ["tunnel"] }).value?.keys ?? [];
  const refreshCities = useRefresh("vpnCities", undefined);
  const judge = useCall("vpnJudgeKey");
  const decide = async (id: string, isAccepted: boolean): Promise<void> => {
    const answer = await judge.run({ id, isAccepted });
    if (answer === undefined) return;
    putAnswer("vpnKeys", answer);
    refreshCities();
  };
  const open = keys.filter(({ isRefused }) => !isRefused);
  if (open.length === 0) return null;
  return (
    <section className="held-keys" aria-label={t("keysTitle")}>
      {open.map(({ id, city, verdict }) => {
        const { sentence, remedy } = explain({
          code: `city-key-${verdict}`,
          params: { city: placeOf(cities, city, i18n.language) },
        });
        return (
          <div key={id} className="notice notice-warning">
            <p className="notice-sentence">{sentence}</p>
            <p>{remedy}</p>
            <div className="row">
              <Button size="small" isDisabled={judge.isRunning} onPress={() => void decide(id, true)}>
                {t("keyAccept")}
              </Button>
              <Button size="small" kind="quiet" isDisabled={judge.isRunning} onPress={() => void decide(id, false)}>
                {t("keyRefuse")}
              </Button>
            </div>
          </div>
        );
      })}
      <Failure failure={judge.failure} />
    </section>
  );
}
