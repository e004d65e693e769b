/** A node of the network: what it did in each of the last windows. */
import { useTranslation } from "react-i18next";

import { useQueryOf, type QueryAnswer } from "../../store/queries.ts";
import type { Answer } from "../../store/api.ts";
import { formatNumber } from "../../ui/format.ts";
import { Failure } from "../../ui/notices.tsx";
import { Badge, Card, Facts, ProgressBar } from "../../ui/show.tsx";
import { standingOf, summaryOf, type ActivityRow } from "./activity.ts";

const SHOWN_WINDOWS = 60;

type ActivityAnswer = Answer<"activity">["activity"];
export type Activity = NonNullable<ActivityAnswer>;

export const useActivity = (): QueryAnswer<"activity"> =>
  useQueryOf("activity", { count: SHOWN_WINDOWS }, { refreshOn: ["window-closed"] });

export function ActiveCard() {
  const { t, i18n } = useTranslation("join");
  const { value, failure } = useActivity();
  const number = (figure: number): string => formatNumber(figure, i18n.language);
  const activity = value?.activity ?? null;
  return (
    <Card title={t("activeTitle")} actions={<Badge tone="good">{t("activeBadge")}</Badge>}>
      <p className="quiet">{t("activeWhat")}</p>
      {value === undefined && failure === null && <ProgressBar label={t("activeReading")} value={null} text="" />}
      <Failure failure={failure} />
      {activity !== null && (
        <>
          <ActivityStrip rows={activity.windows} />
          <Facts
            facts={[
              [t("activeSince"), number(activity.startWindow)],
              [
                t("activePresence"),
                t("activePresenceValue", {
                  present: number(activity.chainLength),
                  windows: number(activity.windowsSinceStart),
                }),
              ],
            ]}
          />
        </>
      )}
      {value !== undefined && activity === null && <p className="quiet">{t("activeNotYet")}</p>}
    </Card>
  );
}

const MARKS = { won: "markWon", present: "markPresent", absent: "markAbsent", unknown: "markUnknown" } as const;

/** Oldest first, as one reads time; for who does not see it, the sums and what the newest window was. */
function ActivityStrip({ rows }: { rows: readonly ActivityRow[] }) {
  const { t, i18n } = useTranslation("join");
  const number = (figure: number): string => formatNumber(figure, i18n.language);
  const { present, won, known } = summaryOf(rows);
  const oldestFirst = rows.toReversed();
  const sums = t("stripSums", { present: number(present), windows: number(known), won: number(won) });
  return (
    <figure className="strip">
      <div className="strip-cells" role="img" aria-label={sums}>
        {oldestFirst.map((row) => {
          const standing = standingOf(row);
          return (
            <span
              key={row.window}
              className="strip-cell"
              data-standing={standing}
              title={`${number(row.window)}: ${t(MARKS[standing])}`}
            />
          );
        })}
      </div>
      <figcaption className="small quiet">
        <span>{sums}</span>
        <span className="row strip-legend" aria-hidden="true">
          {(["won", "present", "absent"] as const).map((standing) => (
            <span key={standing} className="row">
              <span className="strip-cell" data-standing={standing} />
              {t(MARKS[standing])}
            </span>
          ))}
        </span>
      </figcaption>
    </figure>
  );
}
