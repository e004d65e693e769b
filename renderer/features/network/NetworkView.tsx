/** What the network is and does, as this host's node knows it. */
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Output } from "../../../main/api/contract.ts";
import { useHost } from "../../store/hostStore.ts";
import { useQueryOf } from "../../store/queries.ts";
import { go } from "../../store/place.ts";
import { Button } from "../../ui/Button.tsx";
import { Failure, useExplain } from "../../ui/notices.tsx";
import { Badge, Card, EmptyState, ProgressBar, Stale } from "../../ui/show.tsx";
import { CandidatePool } from "./CandidatePool.tsx";
import { Figures } from "./Figures.tsx";
import { Newcomers } from "./Newcomers.tsx";
import { NodeTable } from "./NodeTable.tsx";
import { FIRST_PAGE, PAGE_ROWS } from "./pages.ts";
import { Peers } from "./Peers.tsx";
import { CitiesTable } from "./CitiesTable.tsx";
import { progressOf } from "./standing.ts";
import { Standing } from "./Standing.tsx";
import { Supply } from "./Supply.tsx";
import { Windows } from "./Windows.tsx";
import "./network.css";

export function NetworkView() {
  const { t } = useTranslation("network");
  // Here, since going stale and back draws what is below anew.
  const [nodes, setNodes] = useState(FIRST_PAGE);
  const [candidates, setCandidates] = useState(FIRST_PAGE);
  const [cities, setCities] = useState(0);
  const nodeState = useHost(({ status }) => status?.nodeState ?? null);
  const isRunning = nodeState === "running";
  const view = useQueryOf(
    "networkView",
    { limit: PAGE_ROWS },
    { refreshOn: ["window-closed", "status"], isOff: !isRunning },
  );
  return (
    <div className="view network">
      <header className="spread">
        <h1>{t("title")}</h1>
        {isRunning && view.value !== undefined && <Name view={view.value} />}
      </header>
      {nodeState === null ? (
        <p className="quiet">{t("loading", { ns: "app" })}</p>
      ) : !isRunning ? (
        <WithoutNode />
      ) : view.value !== undefined ? (
        <>
          <Failure failure={view.failure?.code === "host-lost" ? null : view.failure} />
          <Stale isStale={view.isStale} atMs={view.atMs}>
            <Parts view={view.value} isStale={view.isStale}>
              <CitiesTable table={view.value.table} page={cities} onPage={setCities} />
              <NodeTable first={view.value.nodes} place={nodes} onPlace={setNodes} />
              <CandidatePool first={view.value.candidates} place={candidates} onPlace={setCandidates} />
            </Parts>
          </Stale>
        </>
      ) : view.failure !== null ? (
        <Failure failure={view.failure} actions={<Button onPress={view.refresh}>{t("retry", { ns: "app" })}</Button>} />
      ) : (
        <p className="quiet">{t("loading", { ns: "app" })}</p>
      )}
    </div>
  );
}

/** As the host tells what networks can do: coins of these are worth nothing, and nobody may take them for others. */
const TRIALS = { "network-practice": "practice", "network-alone": "alone" } as const;

const isTrial = (code: string): code is keyof typeof TRIALS => Object.hasOwn(TRIALS, code);

function Name({ view: { name, profile, ability } }: { view: Output<"networkView"> }) {
  const { t } = useTranslation("network");
  return (
    <span className="row">
      {isTrial(ability.code) && <Badge tone="warning">{t(TRIALS[ability.code])}</Badge>}
      <Badge>{t("name", { name, profile })}</Badge>
    </span>
  );
}

function WithoutNode() {
  const { t } = useTranslation("network");
  const state = useHost(({ status }) => status?.nodeState);
  const fault = useHost(({ status }) => status?.nodeFault ?? null);
  const progress = useHost(({ status }) => status?.progress ?? null);
  if (state === "starting") {
    return (
      <Card>
        <ProgressBar label={t("opening")} value={progressOf(progress)} />
      </Card>
    );
  }
  return (
    <>
      <Failure failure={fault} />
      <EmptyState title={t("none")} actions={<Button onPress={() => go("join")}>{t("noneDo")}</Button>}>
        <p>{t("noneHelp")}</p>
      </EmptyState>
    </>
  );
}

interface PartsProps {
  readonly view: Output<"networkView">;
  readonly isStale: boolean;
  /** Tables, which have pages. */
  readonly children: ReactNode;
}

function Parts({ view, isStale, children }: PartsProps) {
  const ability = useExplain()(view.ability);
  return (
    <div className="network-parts">
      <p data-ability={view.ability.code}>
        {ability.sentence} <span className="quiet">{ability.remedy}</span>
      </p>
      <Standing view={view} isStale={isStale} />
      <Windows runningSinceMs={isStale ? null : view.windowAtMs} />
      <div className="network-pair">
        <Figures view={view} />
        <Supply view={view} />
      </div>
      <div className="network-pair">
        <Newcomers emission={view.emission} />
        <Peers peers={view.peers} />
      </div>
      {children}
    </div>
  );
}
