/** The way into the network, from nothing to a node that earns: one view, whose stage is what the host reports. */
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { useHost, useIsStale } from "../../store/hostStore.ts";
import { Button } from "../../ui/Button.tsx";
import { Failure, Notice } from "../../ui/notices.tsx";
import { Card, ProgressBar, Stale } from "../../ui/show.tsx";
import { BonusOffer } from "../wallet/BonusOffer.tsx";
import { ActiveCard } from "./ActiveCard.tsx";
import { BeginsCard, CandidateCard } from "./CandidateCard.tsx";
import { IdentitySteps } from "./IdentitySteps.tsx";
import { joinStage, stepOf, STEPS, type JoinStage, type Progress, type Step } from "./joinStage.ts";
import { Offer, type Cost } from "./Offer.tsx";
import { QueueCard } from "./QueueCard.tsx";
import { useBeginning, type Beginning } from "./useBeginning.ts";
import { Welcome } from "./Welcome.tsx";
import "./join.css";

export function JoinView() {
  const { t } = useTranslation("join");
  const status = useHost((host) => host.status);
  const heardAtMs = useHost((host) => host.heardAtMs);
  const isStale = useIsStale();
  const beginning = useBeginning();
  const stage = joinStage(status);
  return (
    <div className="view join">
      <header className="stack">
        <h1>{t("title")}</h1>
        <Way step={stepOf(stage)} />
      </header>
      {/* A newcomer's steps are the page's own, and are not to begin again when the host is away for a moment. */}
      <Stale isStale={isStale && status !== null && stage.kind !== "newcomer"} atMs={heardAtMs}>
        <div className="stack">
          {(status?.notices ?? []).map((notice) => (
            <Notice key={`${notice.code} ${JSON.stringify(notice.params)}`} notice={notice} />
          ))}
          <Failure failure={beginning.failure?.code === "computer-too-slow" ? null : beginning.failure} />
          <Stage stage={stage} beginning={beginning} />
        </div>
      </Stale>
    </div>
  );
}

const NAMES = { start: "stepStart", proving: "stepProving", queue: "stepQueue", active: "stepActive" } as const;

function Way({ step }: { step: Step }) {
  const { t } = useTranslation("join");
  const current = STEPS.indexOf(step);
  return (
    <ol className="way" aria-label={t("way")}>
      {STEPS.map((name, i) => (
        <li
          key={name}
          aria-current={name === step ? "step" : undefined}
          data-state={i < current ? "done" : i === current ? "now" : "later"}
        >
          <span className="way-mark figures" aria-hidden="true">
            {i < current ? "✓" : i + 1}
          </span>
          {t(NAMES[name])}
          {i < current && <span className="aside">{t("stepDone")}</span>}
        </li>
      ))}
    </ol>
  );
}

function Stage({ stage, beginning }: { stage: JoinStage; beginning: Beginning }) {
  const { t } = useTranslation("join");
  switch (stage.kind) {
    case "unknown":
      return <p className="quiet">{t("asking")}</p>;
    case "newcomer":
      return <Newcomer beginning={beginning} />;
    case "stopped":
      return (
        <Card title={t("stoppedTitle")}>
          <p>{t("stoppedWhat")}</p>
          {stage.fault !== null && beginning.failure === null && <Notice notice={stage.fault} tone="danger" />}
          {beginning.isRunning ? (
            <ProgressBar label={t("starting")} value={null} text="" />
          ) : (
            <div className="row">
              <Button kind="main" onPress={() => void beginning.begin()}>
                {t("stoppedStart")}
              </Button>
            </div>
          )}
        </Card>
      );
    case "starting":
      return (
        <Card title={t("startingTitle")}>
          <p className="quiet">{t("startingWhat")}</p>
          <SyncProgress progress={stage.progress} />
        </Card>
      );
    case "idle":
      return <Idle progress={stage.progress} beginning={beginning} />;
    case "begins":
      return (
        <>
          <BeginsCard />
          {stage.progress !== null && (
            <Card>
              <SyncProgress progress={stage.progress} />
            </Card>
          )}
        </>
      );
    case "candidate":
      return <CandidateCard candidate={stage.candidate} />;
    case "registered":
      return <QueueCard queue={stage.queue} />;
    case "active":
      return (
        <>
          <Welcome />
          <BonusOffer />
          <ActiveCard />
        </>
      );
  }
}

function Newcomer({ beginning }: { beginning: Beginning }) {
  const { t } = useTranslation("join");
  const [cost, setCost] = useState<Cost | null>(null);
  const [step, setStep] = useState<"offer" | "new" | "restore">("offer");
  if (step !== "offer") {
    return (
      <Card>
        <IdentitySteps
          isRestored={step === "restore"}
          onMade={() => void beginning.begin(cost?.canMakeIt === false)}
          onBack={() => setStep("offer")}
        />
      </Card>
    );
  }
  return (
    <Card>
      <Invitation />
      <Offer cost={cost} onCost={setCost} onAgree={() => setStep("new")} />
      <div className="row">
        <Button kind="quiet" onPress={() => setStep("restore")}>
          {t("restore")}
        </Button>
      </div>
    </Card>
  );
}

function Invitation() {
  const { t } = useTranslation("join");
  return (
    <>
      <p className="lead">{t("inviteLead")}</p>
      <ol className="points">
        <li>{t("inviteProve")}</li>
        <li>{t("inviteQueue")}</li>
        <li>{t("inviteBonus")}</li>
      </ol>
    </>
  );
}

function Idle({ progress, beginning }: { progress: Progress | null; beginning: Beginning }) {
  const { t } = useTranslation("join");
  const [cost, setCost] = useState<Cost | null>(null);
  const isTooSlow = beginning.failure?.code === "computer-too-slow";
  return (
    <Card>
      <Invitation />
      {progress !== null && <SyncProgress progress={progress} />}
      <Offer
        cost={cost}
        onCost={setCost}
        onAgree={() => void beginning.begin(cost?.canMakeIt === false)}
        isBusy={beginning.isRunning}
      />
      <Failure
        failure={isTooSlow ? beginning.failure : null}
        actions={<Button onPress={() => void beginning.begin(true)}>{t("agreeAnyway")}</Button>}
      />
    </Card>
  );
}

const WHATS = { open: "syncOpen", "catch-up": "syncCatchUp", snapshot: "syncSnapshot" } as const;

function SyncProgress({ progress }: { progress: Progress | null }) {
  const { t } = useTranslation("join");
  if (progress === null) return <ProgressBar label={t("starting")} value={null} text="" />;
  const { what, done, total } = progress;
  return <ProgressBar label={t(WHATS[what])} value={total === null ? null : done} max={total ?? 1} />;
}
