/** How this computer's node takes part. */
import { useTranslation } from "react-i18next";

import type { Output } from "../../../main/api/contract.ts";
import { useCall } from "../../store/calls.ts";
import { useHost, useIsStale } from "../../store/hostStore.ts";
import { putAnswer, useQueryOf } from "../../store/queries.ts";
import { Failure } from "../../ui/notices.tsx";
import { Card, EmptyState } from "../../ui/show.tsx";
import { Choices } from "./Choices.tsx";
import { Answered } from "./Section.tsx";

const CHECKS = ["auto", "full", "none"] as const;
const WAYS = ["auto", "yes", "no"] as const;

export function NodeSettings() {
  const { t } = useTranslation("settings");
  const isRunning = useHost(({ status }) => status?.nodeState === "running");
  const answer = useQueryOf("settings", undefined, { refreshOn: ["status"], isOff: !isRunning });
  return (
    <Card title={t("section-node")}>
      {isRunning || answer.value !== undefined ? (
        <>
          <p className="quiet">{t("nodeIntro")}</p>
          <Answered answer={answer}>{(settings) => <Choosing settings={settings} isOff={!isRunning} />}</Answered>
        </>
      ) : (
        <EmptyState title={t("nodeNoNode")}>
          <p>{t("nodeNoNodeHelp")}</p>
        </EmptyState>
      )}
    </Card>
  );
}

function Choosing({ settings, isOff }: { settings: Output<"settings">; isOff: boolean }) {
  const { t } = useTranslation("settings");
  const isLost = useIsStale();
  const { run, isRunning, failure } = useCall("setSettings");
  const change = async (changed: Parameters<typeof run>[0]): Promise<void> => {
    const all = await run(changed);
    if (all !== undefined) putAnswer("settings", all);
  };
  const isHeld = isLost || isRunning || isOff;
  const { candidateVdfCheck, followsTime, inForce } = settings;
  return (
    <>
      <Choices
        label={t("nodeCandidateVdfCheck")}
        value={candidateVdfCheck}
        isDisabled={isHeld}
        onChange={(chosen) => void change({ candidateVdfCheck: chosen })}
        choices={CHECKS.map((id) => ({ id, name: t(`nodeCandidateVdfCheck-${id}`) }))}
      />
      <p className="quiet small">
        {t("nodeCandidateVdfCheckHelp")}{" "}
        {t("nodeInForce", { value: t(inForce.candidateVdfCheck === "full" ? "nodeFull" : "nodeUnchecked") })}
      </p>
      <Choices
        label={t("nodeFollowsTime")}
        value={followsTime}
        isDisabled={isHeld}
        onChange={(chosen) => void change({ followsTime: chosen })}
        choices={WAYS.map((id) => ({ id, name: t(`nodeFollowsTime-${id}`) }))}
      />
      <p className="quiet small">
        {t("nodeInForce", { value: t(inForce.followsTime ? "nodeFollows" : "nodeComputes") })}
      </p>
      <Failure failure={failure} />
    </>
  );
}
