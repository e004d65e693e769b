/** Keys of cities that changed, those that were refused among them. */
import { useTranslation } from "react-i18next";

import { useQueryOf } from "../../store/queries.ts";
import { Card } from "../../ui/show.tsx";
import { KeyQuestion } from "../connect/KeyQuestion.tsx";
import { Answered } from "./Section.tsx";

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
              {keys.map((held) => (
                <li key={held.id}>
                  <KeyQuestion held={held} place={held.name} />
                </li>
              ))}
            </ul>
          )
        }
      </Answered>
    </Card>
  );
}
