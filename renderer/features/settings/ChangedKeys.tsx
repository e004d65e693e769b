/** Keys of cities that changed: the person's to judge. */
import { useTranslation } from "react-i18next";

import type { Output } from "../../../main/api/contract.ts";
import { useCall } from "../../store/calls.ts";
import { useIsStale } from "../../store/hostStore.ts";
import { putAnswer, useQueryOf } from "../../store/queries.ts";
import { Button } from "../../ui/Button.tsx";
import { Failure } from "../../ui/notices.tsx";
import { Badge, Card } from "../../ui/show.tsx";
import { Answered } from "./Section.tsx";

type HeldKey = Output<"vpnKeys">["keys"][number];

export function ChangedKeys() {
  const { t } = useTranslation("settings");
  const answer = useQueryOf("vpnKeys", undefined, { refreshOn: ["tunnel"] });
  return (
    <Card title={t("keysTitle")}>
      <p className="quiet">{t("keysIntro")}</p>
      <Answered answer={answer}>
        {({ keys }) =>
          keys.length === 0 ? (
            <p>{t("keysNone")}</p>
          ) : (
            <ul className="settings-list">
              {keys.map((key) => (
                <Entry key={key.id} held={key} />
              ))}
            </ul>
          )
        }
      </Answered>
    </Card>
  );
}

function Entry({ held: { id, name, verdict, isRefused } }: { held: HeldKey }) {
  const { t } = useTranslation("settings");
  const isLost = useIsStale();
  const { run, isRunning, failure } = useCall("vpnJudgeKey");
  const judge = async (isAccepted: boolean): Promise<void> => {
    const keys = await run({ id, isAccepted });
    if (keys !== undefined) putAnswer("vpnKeys", keys);
  };
  return (
    <li>
      <div className="spread">
        <h3>{name}</h3>
        {isRefused && <Badge>{t("keysRefused")}</Badge>}
      </div>
      <p className={verdict === "unexplained" ? "settings-wrong" : "quiet"}>
        {t(verdict === "rotated" ? "keysRotated" : "keysUnexplained")}
      </p>
      <div className="row">
        <Button
          size="small"
          isDisabled={isLost || isRunning}
          aria-label={t("keysAcceptNamed", { name })}
          onPress={() => void judge(true)}
        >
          {t("keysAccept")}
        </Button>
        {!isRefused && (
          <Button
            size="small"
            isDisabled={isLost || isRunning}
            aria-label={t("keysRefuseNamed", { name })}
            onPress={() => void judge(false)}
          >
            {t("keysRefuse")}
          </Button>
        )}
      </div>
      <Failure failure={failure} />
    </li>
  );
}
