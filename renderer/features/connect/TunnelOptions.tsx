/** Mode, kill switch and the like: kept by the host, in force from the next connection on. */
import { useTranslation } from "react-i18next";
import { Disclosure, DisclosurePanel, Heading, Button as AriaButton } from "react-aria-components";

import type { Asked } from "../../store/api.ts";
import { useCall } from "../../store/calls.ts";
import type { TunnelStatus } from "../../store/hostState.ts";
import { useIsStale } from "../../store/hostStore.ts";
import { putAnswer, useQueryOf } from "../../store/queries.ts";
import { Button } from "../../ui/Button.tsx";
import { Select, Switch } from "../../ui/fields.tsx";
import { Failure } from "../../ui/notices.tsx";

type Mode = "local" | "proxy" | "device";

const MODES = {
  proxy: ["modeProxy", "modeProxyHint"],
  device: ["modeDevice", "modeDeviceHint"],
  local: ["modeLocal", "modeLocalHint"],
} as const satisfies Record<Mode, readonly [string, string]>;

export function TunnelOptions({ tunnel }: { tunnel: TunnelStatus | null }) {
  const { t } = useTranslation("connect");
  const settings = useQueryOf("vpnSettings", undefined).value;
  const change = useCall("vpnSetSettings");
  const reconnect = useCall("vpnConnect");
  const isStale = useIsStale();
  if (settings === undefined) return null;
  const set = async (wish: Asked<"vpnSetSettings">): Promise<void> => {
    const answer = await change.run(wish);
    if (answer !== undefined) putAnswer("vpnSettings", answer);
  };
  const { mode, killSwitch, strict } = settings;
  const isUp = tunnel !== null && tunnel.state !== "disconnected" && tunnel.state !== "disconnecting";
  const differs = isUp && (tunnel.mode !== mode || tunnel.killSwitch !== killSwitch || tunnel.strict !== strict);
  const isDisabled = isStale || change.isRunning;
  return (
    <Disclosure className="connect-options">
      <Heading className="connect-options-title" level={2}>
        <AriaButton slot="trigger" className="connect-options-button">
          <span>
            {t("options")}
            <span className="hint">{t(MODES[mode][0])}</span>
          </span>
          <span aria-hidden="true" className="select-mark" />
        </AriaButton>
      </Heading>
      <DisclosurePanel className="connect-options-panel">
        <Select<Mode>
          label={t("mode")}
          value={mode}
          choices={(Object.keys(MODES) as Mode[]).map((id) => ({ id, name: t(MODES[id][0]), hint: t(MODES[id][1]) }))}
          hint={mode === "proxy" && settings.desktop === null ? t("modeNoDesktop") : t(MODES[mode][1])}
          onChange={(id) => void set({ mode: id })}
          isDisabled={isDisabled}
        />
        <Switch
          isSelected={killSwitch}
          onChange={(isOn) => void set({ killSwitch: isOn })}
          hint={t("killSwitchHint")}
          isDisabled={isDisabled}
        >
          {t("killSwitch")}
        </Switch>
        <Switch
          isSelected={strict}
          onChange={(isOn) => void set({ strict: isOn })}
          hint={t("strictHint")}
          isDisabled={isDisabled}
        >
          {t("strict")}
        </Switch>
        {tunnel?.proxy != null && (
          <p className="small quiet">
            {t("proxyAt")}{" "}
            <span className="mono">
              {tunnel.proxy.host}:{tunnel.proxy.port}
            </span>
          </p>
        )}
        {differs && (
          <div className="notice notice-warning">
            <p>{t("fromNextConnect")}</p>
            <div className="row">
              <Button
                size="small"
                isDisabled={isDisabled || reconnect.isRunning}
                onPress={() => void reconnect.run({ city: tunnel.chosen ?? "auto" })}
              >
                {t("applyNow")}
              </Button>
            </div>
          </div>
        )}
        <Failure failure={change.failure ?? reconnect.failure} />
      </DisclosurePanel>
    </Disclosure>
  );
}
