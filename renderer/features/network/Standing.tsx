/** Whether this node is in step with the network. */
import { useTranslation } from "react-i18next";

import type { Output } from "../../../main/api/contract.ts";
import { useHost } from "../../store/hostStore.ts";
import { formatAge, formatNumber } from "../../ui/format.ts";
import { Badge, Card, ProgressBar, useNow, type Tone } from "../../ui/show.tsx";
import { progressOf, standingOf, type Standing as Standings } from "./standing.ts";

const TONES: Readonly<Record<Standings["word"], Tone>> = {
  live: "good",
  alone: "good",
  quiet: "warning",
  behind: "warning",
  waiting: "warning",
  opening: "plain",
  snapshot: "plain",
  notStarted: "plain",
};

export function Standing({ view, isStale }: { view: Output<"networkView">; isStale: boolean }) {
  const { t, i18n } = useTranslation("network");
  const nowMs = useNow();
  const progress = useHost(({ status }) => status?.progress ?? null);
  const standing = standingOf(view, nowMs);
  const number = (value: number): string => formatNumber(value, i18n.language);
  const age = (atMs: number): string => formatAge(atMs, nowMs, i18n.language);
  const sentence = (): string => {
    switch (standing.word) {
      case "behind":
        return t("standing-behind", { count: standing.behind, formatted: number(standing.behind) });
      case "quiet":
        return t("standing-quiet", { window: number(standing.window), age: age(standing.sinceMs) });
      case "live":
      case "alone": {
        const window = number(standing.window);
        if (standing.atMs === null) return t(`standing-${standing.word}Unseen`, { window });
        return t(`standing-${standing.word}`, { window, age: age(standing.atMs) });
      }
      case "opening":
      case "snapshot":
      case "waiting":
      case "notStarted":
        return t(`standing-${standing.word}`);
    }
  };
  return (
    <Card
      title={t("standingTitle")}
      actions={<Badge tone={isStale ? "plain" : TONES[standing.word]}>{t(`state-${standing.word}`)}</Badge>}
    >
      <p data-standing={standing.word}>{sentence()}</p>
      {progress !== null && <ProgressBar label={t("standingProgress")} value={progressOf(progress)} />}
    </Card>
  );
}
