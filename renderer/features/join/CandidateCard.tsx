/** A candidate chain at work: how far it is, what it does now, how long it may stand, and how it is to run. */
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { useCall } from "../../store/calls.ts";
import { useHost, useIsStale } from "../../store/hostStore.ts";
import { useQueryOf } from "../../store/queries.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { formatDuration, formatNumber } from "../../ui/format.ts";
import { Failure } from "../../ui/notices.tsx";
import { Badge, Card, Facts, ProgressBar, type Tone } from "../../ui/show.tsx";
import { ChainSettings } from "./ChainSettings.tsx";
import { chainProgress, type ChainActivity } from "./chainProgress.ts";
import type { Candidate } from "./joinStage.ts";

/** Between two windows the host tells of the chain to those alone who ask. */
const ASK_EVERY_MS = 2_000;

const ACTIVITIES = {
  runs: ["chainRuns", "good"],
  paused: ["chainPaused", "warning"],
  "waits-for-mains": ["chainWaitsForMains", "warning"],
  waits: ["chainWaits", "warning"],
  publishing: ["chainPublishing", "good"],
  finished: ["chainFinished", "good"],
} as const satisfies Record<ChainActivity, readonly [string, Tone]>;

/** As the host said last, asked every two seconds while this is shown. */
function useCandidate(told: Candidate): Candidate {
  const { value, refresh } = useQueryOf("status", undefined, { refreshOn: ["status", "window-closed"] });
  const isStale = useIsStale();
  useEffect(() => {
    if (isStale) return undefined;
    const timer = setInterval(refresh, ASK_EVERY_MS);
    return () => clearInterval(timer);
  }, [refresh, isStale]);
  const asked = value?.candidate;
  return asked?.startWindow === told.startWindow && !isStale ? asked : told;
}

export function CandidateCard({ candidate: told }: { candidate: Candidate }) {
  const { t, i18n } = useTranslation("join");
  const { language } = i18n;
  const candidate = useCandidate(told);
  const progress = chainProgress(candidate);
  const { windowsDone, windowsTotal, percent, activity } = progress;
  const number = (value: number, digits = 0): string => formatNumber(value, language, digits);
  const [words, tone] = ACTIVITIES[activity];
  const duration = (seconds: number | null): string =>
    seconds === null ? t("notMeasured") : formatDuration(seconds, language);
  const isDone = windowsDone === windowsTotal;
  return (
    <Card title={t("candidateTitle")} actions={<Badge tone={tone}>{t(words)}</Badge>}>
      <p className="quiet">{t("candidateWhat", { windows: number(windowsTotal) })}</p>
      <div className="chain">
        <p className="chain-percent figures" aria-hidden="true">
          {number(percent, 1)}
          <span className="chain-sign">%</span>
        </p>
        <div className="chain-bars">
          <ProgressBar
            label={t("chainProgress")}
            value={progress.share}
            text={t("chainWindows", { done: number(windowsDone), total: number(windowsTotal) })}
          />
          {!isDone && (
            <ProgressBar
              label={t("chainWindow", { window: number(windowsDone + 1) })}
              value={progress.d === 0 ? 0 : progress.iterations / progress.d}
              text={t("chainIterations", {
                done: number(progress.iterations / 1e6, 1),
                total: number(progress.d / 1e6, 1),
              })}
            />
          )}
        </div>
      </div>
      {/* Read aloud with each whole percent and each change of what it does, not with each iteration. */}
      <p role="status" className="aside">
        {t("chainSpoken", { percent: number(Math.floor(percent)), activity: t(words) })}
      </p>
      <Facts
        facts={[
          [t("etaChain"), isDone ? t("etaNow") : duration(candidate.etaSeconds)],
          [t("etaAdmission"), duration(candidate.admissionSeconds)],
          ...(isDone ? [] : [[t("pausable"), duration(candidate.pausableSeconds)] as const]),
          [t("startWindow"), number(candidate.startWindow)],
        ]}
      />
      {!isDone && candidate.pausableSeconds !== null && <p className="quiet small">{t("pausableHint")}</p>}
      <Controls isPaused={candidate.isPaused} isDone={isDone} />
      {!isDone && <ChainSettings isPaused={candidate.isPaused} />}
    </Card>
  );
}

function Controls({ isPaused, isDone }: { isPaused: boolean; isDone: boolean }) {
  const { t } = useTranslation("join");
  const { t: app } = useTranslation("app");
  const pause = useCall("pause");
  const resume = useCall("resume");
  const leave = useCall("leave");
  const isStale = useIsStale();
  const [isLeaving, setIsLeaving] = useState(false);
  const giveUp = async (): Promise<void> => {
    if ((await leave.run(undefined)) !== undefined) setIsLeaving(false);
  };
  return (
    <>
      <div className="row">
        {isPaused ? (
          <Button kind="main" isDisabled={isStale || resume.isRunning} onPress={() => void resume.run(undefined)}>
            {t("resume")}
          </Button>
        ) : (
          !isDone && (
            <Button isDisabled={isStale || pause.isRunning} onPress={() => void pause.run(undefined)}>
              {t("pause")}
            </Button>
          )
        )}
        <Button kind="quiet" isDisabled={isStale} onPress={() => setIsLeaving(true)}>
          {t("leave")}
        </Button>
      </div>
      <Failure failure={pause.failure ?? resume.failure} />
      <Dialog
        title={t("leaveTitle")}
        isOpen={isLeaving}
        onClose={() => setIsLeaving(false)}
        actions={
          <>
            <Button onPress={() => setIsLeaving(false)}>{app("cancel")}</Button>
            <Button kind="danger" isDisabled={leave.isRunning} onPress={() => void giveUp()}>
              {t("leaveDo")}
            </Button>
          </>
        }
      >
        <p>{t("leaveWhy")}</p>
        <Failure failure={leave.failure} />
      </Dialog>
    </>
  );
}

/** Waits for the first window: nothing is computed yet, and it can be given up. */
export function BeginsCard() {
  const { t } = useTranslation("join");
  const progress = useHost(({ status }) => status?.progress ?? null);
  const leave = useCall("leave");
  return (
    <Card title={t("beginsTitle")}>
      <p role="status">{progress === null ? t("beginsNext") : t("beginsSync")}</p>
      <ProgressBar label={t("beginsWaiting")} value={null} text="" />
      <div className="row">
        <Button onPress={() => void leave.run(undefined)} isDisabled={leave.isRunning}>
          {t("beginsCancel")}
        </Button>
      </div>
      <Failure failure={leave.failure} />
    </Card>
  );
}
