/** A city's key that changed: not used before a person has said so. */
import { useTranslation } from "react-i18next";

import type { Output } from "../../../main/api/contract.ts";
import { useCall } from "../../store/calls.ts";
import { useIsStale } from "../../store/hostStore.ts";
import { putAnswer, useRefresh } from "../../store/queries.ts";
import { Button } from "../../ui/Button.tsx";
import { Failure, useExplain } from "../../ui/notices.tsx";
import { Badge } from "../../ui/show.tsx";

export interface KeyQuestionProps {
  readonly held: Output<"vpnKeys">["keys"][number];
  /** What the city is called here. */
  readonly place: string;
}

export function KeyQuestion({ held: { id, verdict, isRefused }, place }: KeyQuestionProps) {
  const { t } = useTranslation("connect");
  const isLost = useIsStale();
  const { sentence, remedy } = useExplain()({ code: `city-key-${verdict}`, params: { city: place } });
  const { run, isRunning, failure } = useCall("vpnJudgeKey");
  const refreshCities = useRefresh("vpnCities", undefined);
  const judge = async (isAccepted: boolean): Promise<void> => {
    const keys = await run({ id, isAccepted });
    if (keys === undefined) return;
    putAnswer("vpnKeys", keys);
    refreshCities();
  };
  return (
    <div className="notice notice-warning">
      <p className="notice-sentence">{sentence}</p>
      <p>{remedy}</p>
      <div className="row">
        <Button
          size="small"
          isDisabled={isLost || isRunning}
          aria-label={t("keyAcceptNamed", { place })}
          onPress={() => void judge(true)}
        >
          {t("keyAccept")}
        </Button>
        {isRefused ? (
          <Badge>{t("keyRefused")}</Badge>
        ) : (
          <Button
            size="small"
            kind="quiet"
            isDisabled={isLost || isRunning}
            aria-label={t("keyRefuseNamed", { place })}
            onPress={() => void judge(false)}
          >
            {t("keyRefuse")}
          </Button>
        )}
      </div>
      <Failure failure={failure} />
    </div>
  );
}
