/** What pressing Connect takes where nothing else is chosen. */
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Output } from "../../../main/api/contract.ts";
import { useCall } from "../../store/calls.ts";
import { useIsStale } from "../../store/hostStore.ts";
import { putAnswer, useQueryOf } from "../../store/queries.ts";
import { Button } from "../../ui/Button.tsx";
import { Disclosure } from "../../ui/Disclosure.tsx";
import { Switch, TextField } from "../../ui/fields.tsx";
import { Failure } from "../../ui/notices.tsx";
import { Card } from "../../ui/show.tsx";
import { Choices } from "./Choices.tsx";
import { readPort, readRules, readUrl } from "./fields.ts";
import { Answered, Done } from "./Section.tsx";

type Settings = Output<"vpnSettings">;

const MODES = ["proxy", "local", "device"] as const;

export function TunnelSettings() {
  const { t } = useTranslation("settings");
  const answer = useQueryOf("vpnSettings", undefined, { refreshOn: ["tunnel"] });
  return (
    <Card title={t("section-tunnel")}>
      <p className="quiet">{t("tunnelIntro")}</p>
      <Answered answer={answer}>
        {(settings) => (
          <>
            <Choosing settings={settings} />
            <Disclosure title={t("tunnelAdvanced")}>{() => <Advanced settings={settings} />}</Disclosure>
          </>
        )}
      </Answered>
    </Card>
  );
}

function useChange() {
  const { run, isRunning, failure } = useCall("vpnSetSettings");
  const change = async (changed: Parameters<typeof run>[0]): Promise<boolean> => {
    const settings = await run(changed);
    if (settings !== undefined) putAnswer("vpnSettings", settings);
    return settings !== undefined;
  };
  return { change, isRunning, failure };
}

/** Kept as soon as it is chosen. */
function Choosing({ settings }: { settings: Settings }) {
  const { t } = useTranslation("settings");
  const isLost = useIsStale();
  const { change, isRunning, failure } = useChange();
  const [isChanged, setIsChanged] = useState(false);
  const choose = async (changed: Parameters<typeof change>[0]): Promise<void> => {
    setIsChanged(await change(changed));
  };
  const isHeld = isLost || isRunning;
  const { mode, killSwitch, strict, connectsAtStart, desktop } = settings;
  const hintOf = (id: (typeof MODES)[number]): string =>
    id === "proxy" && desktop === null ? t("tunnelNoDesktop") : t(`tunnelMode-${id}Help`);
  return (
    <>
      <Choices
        label={t("tunnelMode")}
        value={mode}
        isDisabled={isHeld}
        onChange={(chosen) => void choose({ mode: chosen })}
        choices={MODES.map((id) => ({ id, name: t(`tunnelMode-${id}Name`), hint: hintOf(id) }))}
      />
      <Switch
        isSelected={killSwitch}
        isDisabled={isHeld}
        hint={t("tunnelKillSwitchHelp")}
        onChange={(isOn) => void choose({ killSwitch: isOn })}
      >
        {t("tunnelKillSwitch")}
      </Switch>
      <Switch
        isSelected={strict}
        isDisabled={isHeld}
        hint={t("tunnelStrictHelp")}
        onChange={(isOn) => void choose({ strict: isOn })}
      >
        {t("tunnelStrict")}
      </Switch>
      <Switch
        isSelected={connectsAtStart}
        isDisabled={isHeld}
        hint={t("tunnelConnectsAtStartHelp")}
        onChange={(isOn) => void choose({ connectsAtStart: isOn })}
      >
        {t("tunnelConnectsAtStart")}
      </Switch>
      <Done>{isChanged && <p>{t("inForceNext")}</p>}</Done>
      <Failure failure={failure} />
    </>
  );
}

/** What the fields hold; null follows what the host says. */
interface Drafts {
  readonly port: string | null;
  readonly direct: string | null;
  readonly probeUrl: string | null;
  readonly addressUrl: string | null;
}
const NO_DRAFTS: Drafts = { port: null, direct: null, probeUrl: null, addressUrl: null };

function Advanced({ settings }: { settings: Settings }) {
  const { t } = useTranslation("settings");
  const isLost = useIsStale();
  const { change, isRunning, failure } = useChange();
  const [drafts, setDrafts] = useState(NO_DRAFTS);
  const [isSaved, setIsSaved] = useState(false);
  const draft = (changed: Partial<Drafts>): void => {
    setIsSaved(false);
    setDrafts({ ...drafts, ...changed });
  };

  const texts = {
    port: drafts.port ?? (settings.port === null ? "" : String(settings.port)),
    direct: drafts.direct ?? settings.direct.join("\n"),
    probeUrl: drafts.probeUrl ?? settings.probeUrl ?? "",
    addressUrl: drafts.addressUrl ?? settings.addressUrl ?? "",
  };
  const port = readPort(texts.port);
  const direct = readRules(texts.direct);
  const probeUrl = readUrl("probeUrl", texts.probeUrl);
  const addressUrl = readUrl("addressUrl", texts.addressUrl);

  const save = async (): Promise<void> => {
    if (!port.isOk || !direct.isOk || !probeUrl.isOk || !addressUrl.isOk) return;
    const changed = { port: port.value, direct: direct.value, probeUrl: probeUrl.value, addressUrl: addressUrl.value };
    if (!(await change(changed))) return;
    setDrafts(NO_DRAFTS);
    setIsSaved(true);
  };
  const isWrong = ![port, direct, probeUrl, addressUrl].every(({ isOk }) => isOk);
  const asked =
    settings.probeUrlInForce === null
      ? t("tunnelProbeUrlNone")
      : t("tunnelProbeUrlInForce", { url: settings.probeUrlInForce });
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <TextField
        label={t("tunnelPort")}
        hint={t("tunnelPortHelp")}
        error={port.isOk ? undefined : t(port.wrong)}
        inputMode="numeric"
        value={texts.port}
        onChange={(text) => draft({ port: text })}
      />
      <TextField
        label={t("tunnelDirect")}
        hint={t("tunnelDirectHelp")}
        error={direct.isOk ? undefined : t(direct.wrong)}
        rows={4}
        isMono
        value={texts.direct}
        onChange={(text) => draft({ direct: text })}
      />
      <TextField
        label={t("tunnelProbeUrl")}
        hint={`${t("tunnelProbeUrlHelp")} ${asked}`}
        error={probeUrl.isOk ? undefined : t(probeUrl.wrong)}
        inputMode="url"
        value={texts.probeUrl}
        onChange={(text) => draft({ probeUrl: text })}
      />
      <TextField
        label={t("tunnelAddressUrl")}
        hint={t("tunnelAddressUrlHelp")}
        error={addressUrl.isOk ? undefined : t(addressUrl.wrong)}
        inputMode="url"
        value={texts.addressUrl}
        onChange={(text) => draft({ addressUrl: text })}
      />
      <div className="row">
        <Button type="submit" kind="main" isDisabled={isLost || isWrong} isPending={isRunning}>
          {t("save", { ns: "app" })}
        </Button>
        <Done>{isSaved && <p>{t("saved")}</p>}</Done>
      </div>
      <Failure failure={failure} />
    </form>
  );
}
