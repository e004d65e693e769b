/** How the program looks and speaks, how it starts and ends. */
import { useTranslation } from "react-i18next";

import { languages } from "../../languages/languages.ts";
import { useIsStale } from "../../store/hostStore.ts";
import { useSetPreferences, type Preferences } from "../../store/preferences.ts";
import { useQueryOf } from "../../store/queries.ts";
import { Segments, Select, Switch } from "../../ui/fields.tsx";
import { Card } from "../../ui/show.tsx";
import { Choices } from "./Choices.tsx";
import { Answered } from "./Section.tsx";

const THEMES = ["system", "light", "dark"] as const;
const MOTIONS = ["system", "reduced"] as const;
const ENDS = ["ask", "keep", "stop"] as const;
const SYSTEM = "system";

export function Look() {
  const answer = useQueryOf("preferences", undefined, { refreshOn: ["preferences"] });
  return <Answered answer={answer}>{(preferences) => <Choosing preferences={preferences} />}</Answered>;
}

function Choosing({ preferences }: { preferences: Preferences }) {
  const { t } = useTranslation("settings");
  const isLost = useIsStale();
  const set = useSetPreferences();
  const change = (changed: Parameters<typeof set>[0]): void => void set(changed);
  const { theme, language, motion, isMapReduced, notifies, startsAtLogin, updatesItself, onQuit } = preferences;
  return (
    <>
      <Card title={t("section-look")}>
        <Segments
          label={t("lookTheme")}
          value={theme}
          isDisabled={isLost}
          onChange={(chosen) => change({ theme: chosen })}
          choices={THEMES.map((id) => ({ id, name: t(`lookTheme-${id}`) }))}
        />
        <Select
          label={t("lookLanguage")}
          value={language ?? SYSTEM}
          isDisabled={isLost}
          onChange={(tag) => change({ language: tag === SYSTEM ? null : tag })}
          choices={[
            { id: SYSTEM, name: t("lookLanguageSystem") },
            ...languages.map(({ tag, name }) => ({ id: tag, name })),
          ]}
        />
        <Segments
          label={t("lookMotion")}
          value={motion}
          isDisabled={isLost}
          onChange={(chosen) => change({ motion: chosen })}
          choices={MOTIONS.map((id) => ({ id, name: t(`lookMotion-${id}`) }))}
        />
        <Switch
          isSelected={isMapReduced}
          isDisabled={isLost}
          hint={t("lookIsMapReducedHelp")}
          onChange={(isOn) => change({ isMapReduced: isOn })}
        >
          {t("lookIsMapReduced")}
        </Switch>
        <Switch
          isSelected={notifies}
          isDisabled={isLost}
          hint={t("lookNotifiesHelp")}
          onChange={(isOn) => change({ notifies: isOn })}
        >
          {t("lookNotifies")}
        </Switch>
      </Card>
      <Card title={t("lookStartUp")}>
        <Switch
          isSelected={startsAtLogin}
          isDisabled={isLost}
          hint={t("lookStartsAtLoginHelp")}
          onChange={(isOn) => change({ startsAtLogin: isOn })}
        >
          {t("lookStartsAtLogin")}
        </Switch>
        <Switch
          isSelected={updatesItself}
          isDisabled={isLost}
          hint={t("lookUpdatesItselfHelp")}
          onChange={(isOn) => change({ updatesItself: isOn })}
        >
          {t("lookUpdatesItself")}
        </Switch>
        <Choices
          label={t("lookOnQuit")}
          value={onQuit}
          isDisabled={isLost}
          onChange={(chosen) => change({ onQuit: chosen })}
          choices={ENDS.map((id) => ({ id, name: t(`lookOnQuit-${id}`) }))}
        />
      </Card>
    </>
  );
}
