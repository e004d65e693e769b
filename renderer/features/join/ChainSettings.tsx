/** How the chain is to use this computer. What is shown is what the host keeps. */
import { useTranslation } from "react-i18next";

import { useCall } from "../../store/calls.ts";
import { useHost, useIsStale } from "../../store/hostStore.ts";
import type { Asked } from "../../store/api.ts";
import { Disclosure } from "../../ui/Disclosure.tsx";
import { Select, Switch } from "../../ui/fields.tsx";
import { Failure } from "../../ui/notices.tsx";

const SHARES = ["100", "75", "50", "25"] as const;

export function ChainSettings({ isPaused }: { isPaused: boolean }) {
  const { t, i18n } = useTranslation("join");
  const candidacy = useHost(({ status }) => status?.candidacy ?? null);
  const join = useCall("join");
  const pause = useCall("pause");
  const isStale = useIsStale();
  if (candidacy === null) return null;
  const change = async (settings: Asked<"join">): Promise<void> => {
    const isTaken = (await join.run(settings)) !== undefined;
    // Asking to join lets the chain go on.
    if (isTaken && isPaused) await pause.run(undefined);
  };
  const isDisabled = isStale || join.isRunning || pause.isRunning;
  const percent = new Intl.NumberFormat(i18n.language, { style: "percent" });
  const share = String(Math.round(100 * candidacy.cpuShare));
  const shares = (SHARES as readonly string[]).includes(share) ? SHARES : [...SHARES, share];
  return (
    <Disclosure title={t("chainSettings")}>
      {() => (
        <div className="stack">
          <Select
            label={t("cpuShare")}
            hint={t("cpuShareHint")}
            value={share}
            choices={shares.map((id) => ({ id, name: percent.format(Number(id) / 100) }))}
            onChange={(id) => void change({ cpuShare: Number(id) / 100 })}
            isDisabled={isDisabled}
          />
          <Switch
            isSelected={candidacy.onMainsOnly}
            onChange={(onMainsOnly) => void change({ onMainsOnly })}
            isDisabled={isDisabled}
            hint={t("onMainsOnlyHint")}
          >
            {t("onMainsOnly")}
          </Switch>
          <Switch
            isSelected={candidacy.isLowPriority}
            onChange={(isLowPriority) => void change({ isLowPriority })}
            isDisabled={isDisabled}
            hint={t("lowPriorityHint")}
          >
            {t("lowPriority")}
          </Switch>
          <Switch
            isSelected={candidacy.keepsAwake}
            onChange={(keepsAwake) => void change({ keepsAwake })}
            isDisabled={isDisabled}
            hint={t("keepsAwakeHint")}
          >
            {t("keepsAwake")}
          </Switch>
          <Failure failure={join.failure ?? pause.failure} />
        </div>
      )}
    </Disclosure>
  );
}
