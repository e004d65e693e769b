/** The last windows, as a strip that ticks and as a table. */
import { useTranslation } from "react-i18next";

import { useQueryOf } from "../../store/queries.ts";
import { Disclosure } from "../../ui/Disclosure.tsx";
import { formatAge, formatNumber } from "../../ui/format.ts";
import { Failure } from "../../ui/notices.tsx";
import { Card, useNow } from "../../ui/show.tsx";
import { Table } from "../../ui/Table.tsx";
import { runningHeight, windowBars, type Paid, type WindowBar } from "./windowBars.ts";

const WINDOWS_SHOWN = 60;
const KINDS: readonly Paid[] = ["other", "self", "bonus", "none"];
/** Windows of a practice network last about a second. */
const TICK_MS = 250;

/** `runningSinceMs` is null where nobody knows whether a window runs. */
export function Windows({ runningSinceMs }: { runningSinceMs: number | null }) {
  const { t } = useTranslation("network");
  const { value, failure } = useQueryOf(
    "recentWindows",
    { count: WINDOWS_SHOWN },
    { refreshOn: ["window-closed", "status"] },
  );
  const bars = windowBars(value?.windows ?? []);
  const kinds = KINDS.filter((kind) => bars.some(({ paid }) => paid === kind));
  return (
    <Card title={t("windowsTitle")}>
      {failure !== null && failure.code !== "host-lost" && <Failure failure={failure} />}
      {bars.length === 0 ? (
        <p className="quiet">{t("windowsEmpty")}</p>
      ) : (
        <>
          <p className="quiet small">{t("windowsIntro")}</p>
          <Strip bars={bars} runningSinceMs={runningSinceMs} />
          <ul className="network-legend">
            {kinds.map((kind) => (
              <li key={kind}>
                <span aria-hidden="true" className="network-key" data-paid={kind} />
                {t(`windows-${kind}`)}
              </li>
            ))}
          </ul>
          <Disclosure title={t("windowsTable")}>{() => <WindowsTable bars={bars} />}</Disclosure>
        </>
      )}
    </Card>
  );
}

function Strip({ bars, runningSinceMs }: { bars: readonly WindowBar[]; runningSinceMs: number | null }) {
  const { t, i18n } = useTranslation("network");
  const nowMs = useNow(TICK_MS);
  const number = (value: number): string => formatNumber(value, i18n.language);
  const newest = bars.at(-1)!;
  const label = t("windowsStrip", { first: number(bars[0]!.window), last: number(newest.window) });
  const running = runningSinceMs === null ? null : runningHeight(bars, nowMs - runningSinceMs);
  return (
    <div className="network-strip" role="img" aria-label={label} data-newest={newest.window}>
      {bars.map(({ window, paid, height }) => (
        <span
          key={window}
          className="network-bar"
          data-paid={paid}
          style={{ blockSize: `${height * 100}%` }}
          title={t("windowsLabel", { window: number(window), paid: t(`windows-${paid}`) })}
        />
      ))}
      {running !== null && (
        <span
          className="network-bar network-bar-running"
          style={{ blockSize: `${running * 100}%` }}
          title={t("windowsRunning", { window: number(newest.window + 1) })}
        />
      )}
    </div>
  );
}

function WindowsTable({ bars }: { bars: readonly WindowBar[] }) {
  const { t, i18n } = useTranslation("network");
  const nowMs = useNow();
  const number = (value: number, digits = 0): string => formatNumber(value, i18n.language, digits);
  return (
    <div className="network-scroll">
      <Table
        label={t("windowsTitle")}
        rows={bars.toReversed()}
        keyOf={({ window }) => String(window)}
        columns={[
          { id: "window", name: t("windowsWindow"), isNumber: true, cell: ({ window }) => number(window) },
          {
            id: "closed",
            name: t("windowsClosed"),
            cell: ({ atMs }) => (atMs === null ? t("windowsEarlier") : formatAge(atMs, nowMs, i18n.language)),
          },
          {
            id: "lasted",
            name: t("windowsLasted"),
            isNumber: true,
            cell: ({ lastedMs }) =>
              lastedMs === null ? "–" : t("secondsShort", { ns: "app", value: number(lastedMs / 1000, 1) }),
          },
          { id: "paid", name: t("windowsPaid"), cell: ({ paid }) => t(`windows-${paid}`) },
          {
            id: "value",
            name: t("windowsValue"),
            cell: ({ timechainValue }) => <span className="mono network-short">{timechainValue}</span>,
          },
        ]}
      />
    </div>
  );
}
