/** The tunnel: how it is, the one button, and what can be done when it fails. */
import { useTranslation } from "react-i18next";

import { HELPER_LACKS } from "../../../main/api/errors.ts";
import { useCall } from "../../store/calls.ts";
import type { TunnelStatus } from "../../store/hostState.ts";
import { useHost, useIsStale } from "../../store/hostStore.ts";
import { useSilentCities } from "../../store/silence.ts";
import { Button } from "../../ui/Button.tsx";
import { Failure, Notice } from "../../ui/notices.tsx";
import { Stale } from "../../ui/show.tsx";
import { placeOf, type City } from "../map/cities.ts";
import { Figures } from "./Figures.tsx";
import { HeldKeys } from "./HeldKeys.tsx";
import { InstallHelper } from "./InstallHelper.tsx";
import { SignInPause } from "./SignInPause.tsx";
import { TunnelOptions } from "./TunnelOptions.tsx";
import { AUTOMATIC, offerOf, type Deed } from "./wish.ts";
import "./connect.css";

const STATE_NAMES = {
  disconnected: "stateDisconnected",
  connecting: "stateConnecting",
  connected: "stateConnected",
  reconnecting: "stateReconnecting",
  blocked: "stateBlocked",
  disconnecting: "stateDisconnecting",
} as const satisfies Record<TunnelStatus["state"], string>;

/** Not a failure to whoever ended the attempt. */
const CANCELLED = "tunnel-cancelled";

/** Said above, with the cities' names: where traffic leaves, and whose key is to be judged. */
const SAID_ABOVE: ReadonlySet<string> = new Set(["leaves-elsewhere", "city-key-rotated", "city-key-unexplained"]);

export interface ConnectPanelProps {
  readonly cities: readonly City[];
  /** The city whose card is open, or the automatic choice. */
  readonly looked: string | null;
}

export function ConnectPanel({ cities, looked }: ConnectPanelProps) {
  const { t } = useTranslation("connect");
  const tunnel = useHost((host) => host.tunnel);
  const lastAtMs = useHost((host) => host.lostAtMs ?? host.heardAtMs);
  const isStale = useIsStale();
  const silentSinceMs = useSilentCities().get(tunnel?.entry ?? null);
  const connect = useCall("vpnConnect");
  const disconnect = useCall("vpnDisconnect");
  const offer = offerOf(tunnel, looked);
  const act = (deed: Deed): void => {
    if (deed.kind === "wait") return;
    if ("city" in deed) void connect.run({ city: deed.city });
    else void disconnect.run();
  };
  const state = tunnel?.state ?? "unknown";
  const failure = disconnect.failure ?? (connect.failure?.code === CANCELLED ? null : connect.failure);
  // The host tells of the same failure as what the call was answered.
  const fault = failure === null && state !== "connected" && tunnel?.fault?.code !== CANCELLED ? tunnel?.fault : null;
  const told = failure ?? fault ?? null;
  const connectAgain = (): void => {
    if ("city" in offer.main) act(offer.main);
  };
  return (
    <section className="connect" data-state={state} aria-label={t("title")}>
      <Stale
        isStale={(isStale && tunnel !== null) || silentSinceMs !== undefined}
        atMs={isStale ? lastAtMs : (silentSinceMs ?? null)}
        of="tunnel"
      >
        <div role="status" className="connect-state">
          <p className="connect-headline">
            <span className="connect-lamp" aria-hidden="true" />
            {tunnel === null ? t("stateUnknown") : t(STATE_NAMES[tunnel.state])}
          </p>
          {tunnel !== null && <About tunnel={tunnel} cities={cities} />}
        </div>
      </Stale>
      <DeedButton deed={offer.main} cities={cities} isMain isDisabled={isStale || disconnect.isRunning} onAct={act} />
      {offer.other !== null && (
        <DeedButton deed={offer.other} cities={cities} isDisabled={isStale || disconnect.isRunning} onAct={act} />
      )}
      <Failure
        failure={told}
        actions={
          told !== null && HELPER_LACKS.has(told.code) ? <InstallHelper onInstalled={connectAgain} /> : undefined
        }
      />
      {tunnel !== null && <SignInPause tunnel={tunnel} />}
      {tunnel?.state === "connected" && <Figures isStale={isStale} silentSinceMs={silentSinceMs} />}
      <HeldKeys cities={cities} />
      {tunnel?.notices
        .filter(({ code }) => !SAID_ABOVE.has(code))
        .map((notice) => (
          <Notice key={`${notice.code} ${JSON.stringify(notice.params)}`} notice={notice} tone="plain" />
        ))}
      <TunnelOptions tunnel={tunnel} />
    </section>
  );
}

/** In a sentence of its own: what the state means for the traffic of this computer. */
function About({ tunnel, cities }: { tunnel: TunnelStatus; cities: readonly City[] }) {
  const { t, i18n } = useTranslation("connect");
  const name = (id: string | null): string =>
    id === null || id === AUTOMATIC ? t("automaticPlace") : placeOf(cities, id, i18n.language);
  const { state, city, chosen } = tunnel;
  const isElsewhere = chosen !== null && chosen !== AUTOMATIC && !leadsTo(cities, chosen, city);
  const text = {
    disconnected: () => t("aboutDisconnected"),
    connecting: () => t("aboutConnecting", { place: name(chosen) }),
    connected: () =>
      isElsewhere
        ? t("aboutConnectedElsewhere", { place: name(city), chosen: name(chosen) })
        : t("aboutConnected", { place: name(city) }),
    reconnecting: () => t("aboutReconnecting", { place: name(city ?? chosen) }),
    blocked: () => t("aboutBlocked"),
    disconnecting: () => t("aboutDisconnecting"),
  }[state]();
  return <p className="quiet">{text}</p>;
}

/** Traffic of a relay leaves in another city, as it should. */
const leadsTo = (cities: readonly City[], chosen: string, city: string | null): boolean =>
  chosen === city || cities.some(({ id, exit }) => id === chosen && exit === city);

interface DeedButtonProps {
  readonly deed: Deed;
  readonly cities: readonly City[];
  readonly isMain?: boolean;
  readonly isDisabled: boolean;
  readonly onAct: (deed: Deed) => void;
}

function DeedButton({ deed, cities, isMain = false, isDisabled, onAct }: DeedButtonProps) {
  const { t, i18n } = useTranslation("connect");
  const place = "city" in deed && deed.city !== AUTOMATIC ? placeOf(cities, deed.city, i18n.language) : null;
  const text = {
    connect: () => (place === null ? t("button") : t("buttonTo", { place })),
    switch: () => t("buttonSwitch", { place: place ?? t("automaticPlace") }),
    retry: () => t("buttonRetry"),
    cancel: () => t("buttonCancel"),
    disconnect: () => t("buttonDisconnect"),
    unblock: () => t("buttonUnblock"),
    wait: () => t("button"),
  }[deed.kind]();
  const leads = deed.kind === "connect" || deed.kind === "switch" || deed.kind === "retry";
  const hasNothing = leads && cities.length === 0;
  return (
    <div className={isMain ? "connect-main" : "connect-other"} data-deed={deed.kind}>
      <Button
        kind={isMain && leads ? "main" : "plain"}
        isDisabled={isDisabled || deed.kind === "wait" || hasNothing}
        onPress={() => onAct(deed)}
      >
        {text}
      </Button>
    </div>
  );
}
