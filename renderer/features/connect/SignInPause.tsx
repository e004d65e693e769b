/** A network that wants a sign-in first shows nothing else; the kill switch holds that page back, too. */
import { useTranslation } from "react-i18next";

import { useCall } from "../../store/calls.ts";
import type { TunnelStatus } from "../../store/hostState.ts";
import { Button } from "../../ui/Button.tsx";
import { Failure } from "../../ui/notices.tsx";

const PAUSE_SECONDS = 180;

export function SignInPause({ tunnel }: { tunnel: TunnelStatus }) {
  const { t, i18n } = useTranslation("connect");
  const pause = useCall("vpnPauseBlock");
  const { state, pausedUntilMs, signInUrl } = tunnel;
  if (pausedUntilMs !== null) {
    const time = new Intl.DateTimeFormat(i18n.language, { timeStyle: "medium" }).format(pausedUntilMs);
    return (
      <div className="notice notice-warning">
        <p className="notice-sentence">{t("signInPaused", { time })}</p>
        <div className="row">
          <Button size="small" isDisabled={pause.isRunning} onPress={() => void pause.run({ seconds: 0 })}>
            {t("signInEnd")}
          </Button>
        </div>
        <Failure failure={pause.failure} />
      </div>
    );
  }
  if (state !== "blocked" || !tunnel.killSwitch) return null;
  return (
    <div className="notice notice-warning">
      <p className="notice-sentence">{t("signInTitle")}</p>
      <p>{t("signInAbout")}</p>
      {/* A text, not a link: it is the word of a network that nobody knows, and the person's browser opens its own. */}
      {signInUrl !== null && <p className="mono">{t("signInAddress", { url: signInUrl })}</p>}
      <div className="row">
        <Button size="small" isDisabled={pause.isRunning} onPress={() => void pause.run({ seconds: PAUSE_SECONDS })}>
          {t("signInPause")}
        </Button>
      </div>
      <Failure failure={pause.failure} />
    </div>
  );
}
