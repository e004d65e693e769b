/** What goes through the tunnel just now. */
import { useTranslation } from "react-i18next";

import { useHost } from "../../store/hostStore.ts";
import { Chart } from "../../ui/Chart.tsx";
import { formatBytes, formatDuration, formatNumber, formatRate } from "../../ui/format.ts";
import { Facts, Stale, useIsOlder } from "../../ui/show.tsx";

const CHART_HEIGHT = 112;
/** The host counts each second and tells each second: between the two, figures grow two seconds old and a little more. */
const FRESH_MS_MAX = 2_400;

export interface FiguresProps {
  /** The host is gone. */
  readonly isStale: boolean;
  /** The exit has not answered since then. */
  readonly silentSinceMs: number | undefined;
}

export function Figures({ isStale, silentSinceMs }: FiguresProps) {
  const { t, i18n } = useTranslation("connect");
  const { t: tApp } = useTranslation("app");
  const told = useHost((host) => host.figures ?? host.tunnel);
  const rates = useHost((host) => host.rates);
  const { language } = i18n;
  // An engine that does not answer leaves its last figures standing.
  const countedAtMs = told?.rate?.atMs ?? null;
  const isOld = useIsOlder(countedAtMs, FRESH_MS_MAX);
  if (told === null) return null;
  const { rate, sessionMs, delayMs, bytesDown, bytesUp } = told;
  return (
    <Stale isStale={isStale || isOld || silentSinceMs !== undefined} atMs={silentSinceMs ?? countedAtMs} of="figures">
      <div className="connect-figures">
        <div className="connect-rates figures">
          <div>
            <span className="quiet small">
              <span className="connect-key connect-key-down" aria-hidden="true" />
              {t("down")}
            </span>
            <strong>{formatRate(rate?.down ?? 0, language)}</strong>
            <span className="quiet small">{formatBytes(bytesDown, language)}</span>
          </div>
          <div>
            <span className="quiet small">
              <span className="connect-key connect-key-up" aria-hidden="true" />
              {t("up")}
            </span>
            <strong>{formatRate(rate?.up ?? 0, language)}</strong>
            <span className="quiet small">{formatBytes(bytesUp, language)}</span>
          </div>
        </div>
        {rates.length < 2 ? (
          <p className="quiet small">{t("noRates")}</p>
        ) : (
          <Chart
            label={t("rates")}
            times={rates.map(({ atMs }) => atMs / 1_000)}
            lines={[
              { name: t("down"), colour: "--accent", isFilled: true, values: rates.map(({ down }) => down) },
              { name: t("up"), colour: "--line-strong", values: rates.map(({ up }) => up) },
            ]}
            height={CHART_HEIGHT}
            format={(value) => formatRate(value, language)}
          />
        )}
        <Facts
          facts={[
            [t("session"), sessionMs === null ? tApp("unknown") : formatDuration(sessionMs / 1_000, language, true)],
            [
              t("delay"),
              delayMs === null
                ? tApp("unknown")
                : tApp("millisecondsShort", { value: formatNumber(delayMs, language) }),
            ],
          ]}
        />
      </div>
    </Stale>
  );
}
