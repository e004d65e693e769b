/** A registered candidate: its turn, or the draw that may take it. */
import { useTranslation } from "react-i18next";

import { useHost } from "../../store/hostStore.ts";
import { useQueryOf } from "../../store/queries.ts";
import { formatDuration, formatNumber } from "../../ui/format.ts";
import { Card, Facts, ProgressBar } from "../../ui/show.tsx";
import type { Queue } from "./joinStage.ts";

export function QueueCard({ queue }: { queue: Queue | null }) {
  const { t, i18n } = useTranslation("join");
  const { language } = i18n;
  const window = useHost(({ status }) => status?.window ?? null);
  const time = useQueryOf("time", undefined, { refreshOn: ["window-closed"], isOff: window === null });
  if (queue === null || window === null) {
    return (
      <Card title={t("queueTitle")}>
        <ProgressBar label={t("queueReading")} value={null} text="" />
      </Card>
    );
  }
  const number = (value: number): string => formatNumber(value, language);
  const seconds = time.value?.meanWindowSeconds ?? null;
  const until = (target: number): string => {
    const windows = Math.max(0, target - window);
    return seconds === null
      ? t("inWindows", { windows: number(windows), count: windows })
      : t("inWindowsAbout", {
          windows: number(windows),
          count: windows,
          duration: formatDuration(windows * seconds, language),
        });
  };
  const { position, length, nextDrawWindow, expectedWindow, registrationWindow } = queue;
  return (
    <Card title={t("queueTitle")}>
      <p className="quiet">{t(position === null ? "queueByLot" : "queueInTurn")}</p>
      <p className="queue-place" role="status">
        {position === null
          ? t("queueDraw", { length: number(length), count: length })
          : t("queuePlace", { position: number(position), length: number(length) })}
      </p>
      <Facts
        facts={[
          [t("queueExpected"), `${number(expectedWindow)} · ${until(expectedWindow)}`],
          ...(nextDrawWindow === null
            ? []
            : [[t("queueNextDraw"), `${number(nextDrawWindow)} · ${until(nextDrawWindow)}`] as const]),
          [t("queueRegistered"), number(registrationWindow)],
          [t("queueNow"), number(window)],
        ]}
      />
      <p className="quiet small">{t("queueFree")}</p>
    </Card>
  );
}
