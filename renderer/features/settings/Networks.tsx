/** Which networks are known, which one this computer belongs to, and how another is added. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { FileTrigger } from "react-aria-components";

import type { Output } from "../../../main/api/contract.ts";
import { useCall } from "../../store/calls.ts";
import { useHost, useIsStale } from "../../store/hostStore.ts";
import { putAnswer, useQueryOf } from "../../store/queries.ts";
import { Button } from "../../ui/Button.tsx";
import { formatNumber } from "../../ui/format.ts";
import { Failure, Notice } from "../../ui/notices.tsx";
import { Badge, Card, EmptyState } from "../../ui/show.tsx";
import { Answered, Done } from "./Section.tsx";

type Networks_ = Output<"networks">;
type Known = Networks_["networks"][number];

const FILE_BYTES_MAX = 1_048_576;

export function Networks() {
  const { t } = useTranslation("settings");
  const answer = useQueryOf("networks", undefined, { refreshOn: ["status", "tunnel"] });
  return (
    <>
      <Card title={t("networkKnown")}>
        <p className="quiet">{t("networkIntro")}</p>
        <Answered answer={answer}>{(list) => <List list={list} />}</Answered>
      </Card>
      <AddFile />
    </>
  );
}

function List({ list }: { list: Networks_ }) {
  const { t } = useTranslation("settings");
  const isLost = useIsStale();
  const isNodeThere = useHost(({ status }) => status !== null && status.nodeState !== "none");
  const { run, isRunning, failure } = useCall("chooseNetwork");
  const choose = async (network: string): Promise<void> => {
    const changed = await run({ network });
    if (changed !== undefined) putAnswer("networks", changed);
  };
  const { networks, chosen, running, tunnel } = list;
  if (networks.length === 0) {
    return (
      <EmptyState title={t("networkEmpty")}>
        <p>{t("networkEmptyHelp")}</p>
      </EmptyState>
    );
  }
  return (
    <>
      <ul className="settings-list">
        {networks.map((network) => (
          <Entry
            key={network.name}
            network={network}
            isRunning={network.name === running}
            isChosen={network.name === chosen}
            onChoose={isLost || isRunning || isNodeThere ? undefined : () => void choose(network.name)}
          />
        ))}
      </ul>
      {isNodeThere && <p className="quiet">{t("networkRunningHelp")}</p>}
      {tunnel !== null && chosen !== null && tunnel !== chosen && <TunnelElsewhere name={tunnel} />}
      <Failure failure={failure} />
    </>
  );
}

/** What a person is connected to is theirs to leave. */
function TunnelElsewhere({ name }: { name: string }) {
  const { t } = useTranslation("settings");
  const isLost = useIsStale();
  const isUp = useHost(({ tunnel }) => tunnel !== null && tunnel.state !== "disconnected");
  const { run, isRunning, failure } = useCall("vpnDisconnect");
  if (!isUp) return <p className="quiet">{t("networkTunnelOther", { name })}</p>;
  return (
    <div className="notice notice-warning" data-tunnel={name}>
      <p>{t("networkTunnelLater", { name })}</p>
      <div className="row">
        <Button size="small" isDisabled={isLost} isPending={isRunning} onPress={() => void run(undefined)}>
          {t("networkTunnelLeave")}
        </Button>
      </div>
      <Failure failure={failure} />
    </div>
  );
}

interface EntryProps {
  readonly network: Known;
  readonly isRunning: boolean;
  readonly isChosen: boolean;
  /** Undefined where it cannot be chosen now. */
  readonly onChoose: (() => void) | undefined;
}

function Entry({ network, isRunning, isChosen, onChoose }: EntryProps) {
  const { t, i18n } = useTranslation("settings");
  const { name, origin, tau2Windows, d, hasData, isManifestNeeded, fault } = network;
  const number = (value: number): string => formatNumber(value, i18n.language);
  return (
    <li data-network={name}>
      <div className="spread">
        <h3>{name}</h3>
        <span className="row">
          {isRunning && <Badge tone="good">{t("networkRunning")}</Badge>}
          {isChosen ? (
            <Badge>{t("networkChosen")}</Badge>
          ) : (
            <Button
              size="small"
              isDisabled={onChoose === undefined}
              aria-label={t("networkChooseNamed", { name })}
              onPress={() => onChoose?.()}
            >
              {t("networkChoose")}
            </Button>
          )}
        </span>
      </div>
      <p className={origin === "practice" ? "settings-practice" : "quiet"}>{t(`networkOrigin-${origin}`)}</p>
      <ul className="settings-facts">
        {tau2Windows !== null && d !== null && (
          <li>{t("networkChain", { windows: number(tau2Windows), d: number(d) })}</li>
        )}
        {hasData && <li>{t("networkHasData")}</li>}
      </ul>
      {isManifestNeeded && <p>{t("networkManifestNeeded")}</p>}
      {fault !== null && <Notice notice={fault} />}
    </li>
  );
}

function AddFile() {
  const { t } = useTranslation("settings");
  const isLost = useIsStale();
  const { run, isRunning, failure, clear } = useCall("addNetwork");
  const [said, setSaid] = useState<"networkAdded" | "networkFileTooLarge" | null>(null);
  const add = async (file: File): Promise<void> => {
    clear();
    setSaid(null);
    if (file.size > FILE_BYTES_MAX) {
      setSaid("networkFileTooLarge");
      return;
    }
    const list = await run({ file: await file.text() });
    if (list === undefined) return;
    putAnswer("networks", list);
    setSaid("networkAdded");
  };
  return (
    <Card title={t("networkAddFile")}>
      <p className="quiet">{t("networkAddFileHelp")}</p>
      <div className="row">
        <FileTrigger
          acceptedFileTypes={["application/json", ".json"]}
          onSelect={(files) => {
            const file = files?.[0];
            if (file !== undefined) void add(file);
          }}
        >
          <Button isDisabled={isLost} isPending={isRunning}>
            {t("networkAddFile")}
          </Button>
        </FileTrigger>
        <Done>{said !== null && <p>{t(said)}</p>}</Done>
      </div>
      <Failure failure={failure} />
    </Card>
  );
}
