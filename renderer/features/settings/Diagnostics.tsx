/** What helps whoever helps, seen before it is passed on; and how much the log tells. */
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { useIsStale } from "../../store/hostStore.ts";
import { useSetPreferences, type Preferences } from "../../store/preferences.ts";
import { useQueryOf } from "../../store/queries.ts";
import { Button } from "../../ui/Button.tsx";
import { Select } from "../../ui/fields.tsx";
import { Age, Card } from "../../ui/show.tsx";
import { Answered, Done } from "./Section.tsx";
import { saveFile } from "./saveFile.ts";

/** Of the host's start. */
const START = "start";
const LEVELS = [START, "error", "warn", "info", "debug"] as const;

export function Diagnostics() {
  return (
    <>
      <Report />
      <Log />
    </>
  );
}

function Report() {
  const { t } = useTranslation("settings");
  const isLost = useIsStale();
  const [isAsked, setIsAsked] = useState(false);
  const [savedAs, setSavedAs] = useState<string | null>(null);
  const answer = useQueryOf("diagnostics", undefined, { isOff: !isAsked });
  const show = (): void => {
    setSavedAs(null);
    if (isAsked) answer.refresh();
    else setIsAsked(true);
  };
  return (
    <Card
      title={t("section-diagnostics")}
      actions={
        <Button size="small" isDisabled={isLost} isPending={isAsked && answer.isLoading} onPress={show}>
          {t(isAsked && answer.value !== undefined ? "diagnosticsRefresh" : "diagnosticsPreview")}
        </Button>
      }
    >
      <p className="quiet">{t("diagnosticsIntro")}</p>
      <p>{t("diagnosticsRedacted")}</p>
      {isAsked && (
        <Answered answer={answer}>
          {({ fileName, text }) => (
            <>
              {answer.atMs !== null && (
                <p className="quiet small">
                  {t("diagnosticsMade")} <Age atMs={answer.atMs} />
                </p>
              )}
              <pre className="settings-report" role="region" tabIndex={0} aria-label={t("diagnosticsText")}>
                {text}
              </pre>
              <div className="row">
                <Button
                  kind="main"
                  onPress={() => {
                    saveFile(fileName, text);
                    setSavedAs(fileName);
                  }}
                >
                  {t("diagnosticsSave")}
                </Button>
                <Done>{savedAs !== null && <p>{t("diagnosticsSaved", { file: savedAs })}</p>}</Done>
              </div>
            </>
          )}
        </Answered>
      )}
    </Card>
  );
}

function Log() {
  const { t } = useTranslation("settings");
  const answer = useQueryOf("preferences", undefined, { refreshOn: ["preferences"] });
  return (
    <Card title={t("diagnosticsLog")}>
      <Answered answer={answer}>{(preferences) => <Level preferences={preferences} />}</Answered>
    </Card>
  );
}

function Level({ preferences: { logLevel } }: { preferences: Preferences }) {
  const { t } = useTranslation("settings");
  const isLost = useIsStale();
  const set = useSetPreferences();
  return (
    <Select
      label={t("diagnosticsLogLevel")}
      hint={t("diagnosticsLogLevelHelp")}
      value={logLevel ?? START}
      isDisabled={isLost}
      onChange={(level) => void set({ logLevel: level === START ? null : level })}
      choices={LEVELS.map((id) => ({ id, name: t(`diagnosticsLogLevel-${id}`) }))}
    />
  );
}
