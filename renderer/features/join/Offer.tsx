/** What joining would cost on this computer, measured before anything is decided. */
import { useTranslation } from "react-i18next";

import { useCall } from "../../store/calls.ts";
import type { Answer } from "../../store/api.ts";
import { Button } from "../../ui/Button.tsx";
import { formatDuration, formatNumber } from "../../ui/format.ts";
import { Failure } from "../../ui/notices.tsx";
import { Badge, Facts, ProgressBar, type Tone } from "../../ui/show.tsx";

export type Cost = Answer<"speedTest">;

export interface OfferProps {
  readonly cost: Cost | null;
  readonly onCost: (cost: Cost) => void;
  /** The person wants it, knowing the cost. */
  readonly onAgree: () => void;
  readonly isBusy?: boolean;
}

/** A button; after it the cost and the question. */
export function Offer({ cost, onCost, onAgree, isBusy = false }: OfferProps) {
  const { t } = useTranslation("join");
  const test = useCall("speedTest");
  const measure = async (): Promise<void> => {
    const measured = await test.run({});
    if (measured !== undefined) onCost(measured);
  };
  if (test.isRunning) return <ProgressBar label={t("measuring")} value={null} text="" />;
  if (cost === null) {
    return (
      <div className="stack">
        <div className="row">
          <Button kind="main" onPress={() => void measure()}>
            {t("join")}
          </Button>
          <span className="quiet small">{t("joinHint")}</span>
        </div>
        <Failure failure={test.failure} />
      </div>
    );
  }
  return (
    <div className="stack">
      <CostCard cost={cost} />
      <div className="row">
        <Button kind="main" onPress={onAgree} isDisabled={isBusy}>
          {cost.canMakeIt ? t("agree") : t("agreeAnyway")}
        </Button>
        <Button onPress={() => void measure()} isDisabled={isBusy}>
          {t("measureAgain")}
        </Button>
      </div>
      <Failure failure={test.failure} />
    </div>
  );
}

const TONES: Readonly<Record<Cost["verdict"], Tone>> = {
  ...{ comfortable: "good", possible: "good", barely: "warning", "too-slow": "danger" },
};
const VERDICTS = {
  comfortable: "verdictComfortable",
  possible: "verdictPossible",
  barely: "verdictBarely",
  "too-slow": "verdictTooSlow",
} as const;

/** Of a practice network, say. */
const SMALL_KWH = 0.1;

function CostCard({ cost }: { cost: Cost }) {
  const { t, i18n } = useTranslation("join");
  const { language } = i18n;
  const number = (value: number, digits = 0): string => formatNumber(value, language, digits);
  const unit = (value: number, name: string): string =>
    new Intl.NumberFormat(language, {
      style: "unit",
      unit: name,
      unitDisplay: "long",
      maximumFractionDigits: 1,
    }).format(value);
  const { full, half } = cost.chainSeconds;
  return (
    <section className="cost" aria-label={t("costTitle")}>
      <div className="row" role="status">
        <Badge tone={TONES[cost.verdict]}>{t(VERDICTS[cost.verdict])}</Badge>
        <span className="quiet small">{t("costOf", { network: cost.network })}</span>
      </div>
      <p className="cost-hours">
        {cost.canMakeIt
          ? t("costHours", { hours: unit(Math.ceil(cost.hoursPerDay * 10) / 10, "hour") })
          : t("costTooSlow", { hours: unit(Math.ceil(cost.hoursPerDay), "hour") })}
      </p>
      <Facts
        facts={[
          [t("costFull"), full === null ? t("costMissed") : formatDuration(full, language)],
          [t("costHalf"), half === null ? t("costMissed") : formatDuration(half, language)],
          [
            t("costPower"),
            cost.energyKwh.high < SMALL_KWH
              ? t("costPowerLittle")
              : t("costPowerValue", { low: number(cost.energyKwh.low, 1), high: number(cost.energyKwh.high, 1) }),
          ],
          [t("costBandwidth"), t("costBandwidthValue", { megabytes: number(cost.megabytesPerDay) })],
          [t("costSpeed"), t("costSpeedValue", { millions: number(cost.iterationsPerSecond / 1e6, 1) })],
        ]}
      />
      <p className="quiet small">{t("costNote", { windows: number(cost.tau2Windows) })}</p>
    </section>
  );
}
