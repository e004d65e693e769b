/** What came and went, newest first, with what can still be done about it. */
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { isKnownCode } from "../../../main/api/errors.ts";
import { useCall } from "../../store/calls.ts";
import { useHost, useIsStale } from "../../store/hostStore.ts";
import { useQueryOf } from "../../store/queries.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { Segments } from "../../ui/fields.tsx";
import { formatAge, formatNumber } from "../../ui/format.ts";
import { Failure, useExplain } from "../../ui/notices.tsx";
import { Amount, Badge, Card, EmptyState, ProgressBar, Stale, useNow, type Tone } from "../../ui/show.tsx";
import { ExportCsv } from "./ExportCsv.tsx";
import { pageHash } from "./hash.ts";
import {
  HISTORY_FILTERS,
  historyRow,
  passes,
  STATE_TEXTS,
  type HistoryFilter,
  type HistoryRow,
  type HistoryStanding,
  type HistoryTitle,
} from "./historyRows.ts";
import { addressOf, shortAddress } from "./payment.ts";
import { useHistory } from "./useHistory.ts";

const FILTER_NAMES = {
  all: "filterAll",
  payments: "filterPayments",
  rewards: "filterRewards",
  open: "filterOpen",
} as const satisfies Record<HistoryFilter, string>;

export function History() {
  const { t } = useTranslation("wallet");
  const { entries, atMs, isStale, hasMore, isLoadingMore, loadMore, failure } = useHistory();
  const [filter, setFilter] = useState<HistoryFilter>("all");
  const rows = entries?.map(historyRow).filter((row) => passes(row, filter));
  return (
    <Card title={t("history")} actions={entries !== undefined && entries.length > 0 && <ExportCsv />}>
      <Segments
        label={t("filter")}
        value={filter}
        onChange={setFilter}
        choices={HISTORY_FILTERS.map((id) => ({ id, name: t(FILTER_NAMES[id]) }))}
      />
      <Failure failure={failure} />
      {rows === undefined ? (
        failure === null && <ProgressBar label={t("historyLoading")} value={null} text="" />
      ) : rows.length === 0 ? (
        <EmptyState title={t("historyEmpty")}>
          {entries?.length === 0 ? t("historyEmptyWhat") : t("historyNone")}
        </EmptyState>
      ) : (
        <Stale isStale={isStale} atMs={atMs}>
          <ul className="history" aria-label={t("history")}>
            {rows.map((row) => (
              <Row key={row.id} row={row} />
            ))}
          </ul>
        </Stale>
      )}
      {hasMore && (
        <div className="row">
          <Button onPress={loadMore} isDisabled={isLoadingMore || isStale}>
            {isLoadingMore ? t("historyLoading") : t("historyMore")}
          </Button>
        </div>
      )}
    </Card>
  );
}

const TITLES = {
  received: "titleReceived",
  sent: "titleSent",
  moved: "titleMoved",
  created: "titleCreated",
  activated: "titleActivated",
  changedKey: "titleChangedKey",
  anchored: "titleAnchored",
  reward: "titleReward",
  bonus: "titleBonus",
} as const satisfies Record<HistoryTitle, string>;

const TONES: Readonly<Record<HistoryStanding, Tone>> = {
  ...{ waiting: "warning", done: "good", ended: "plain", stuck: "danger" },
};

function Row({ row }: { row: HistoryRow }) {
  const { t, i18n } = useTranslation("wallet");
  const { id, title, amount, direction, state, standing, reason, window, counterparty, canCancel, canSendAgain } = row;
  const other = counterparty === null ? null : shortAddress(addressOf(pageHash, counterparty));
  return (
    <li className="history-row" data-state={state} data-title={title}>
      <div className="history-main">
        <p className="history-title">
          {t(TITLES[title])}
          {standing !== "done" && <Badge tone={TONES[standing]}>{t(STATE_TEXTS[state])}</Badge>}
        </p>
        <p className="quiet small">
          {window !== null && (
            <>
              {t("window", { window: formatNumber(window, i18n.language) })} <About window={window} />
            </>
          )}
          {other !== null && direction !== "self" && (
            <span translate="no"> {t(direction === "in" ? "from" : "to", { address: other })}</span>
          )}
        </p>
        {reason !== null && <Reason code={reason} />}
      </div>
      {amount !== null && (
        <p className="history-amount" data-direction={standing === "ended" ? "none" : direction}>
          <Amount value={amount} sign={direction === "in"} />
        </p>
      )}
      {(canCancel || canSendAgain) && <Decide id={id} canCancel={canCancel} canSendAgain={canSendAgain} />}
    </li>
  );
}

/** Why it ended without an effect; what there is to do stands beside it as buttons. */
function Reason({ code }: { code: string }) {
  const { t } = useTranslation("wallet");
  const { sentence } = useExplain()({ code, params: {} });
  return <p className="quiet small">{isKnownCode(code) ? sentence : t("reason", { reason: code })}</p>;
}

/** An estimate: the history knows windows, and those are about equally long. */
function About({ window }: { window: number }) {
  const { t, i18n } = useTranslation("wallet");
  const tip = useHost(({ status }) => status?.window ?? null);
  const tipAtMs = useHost(({ status }) => status?.windowAtMs ?? null);
  const time = useQueryOf("time", undefined, { refreshOn: ["window-closed"] });
  const nowMs = useNow(10_000);
  const seconds = time.value?.meanWindowSeconds ?? null;
  if (tip === null || tipAtMs === null || seconds === null || window > tip) return null;
  const atMs = tipAtMs - (tip - window) * seconds * 1_000;
  return <span>· {t("about", { age: formatAge(atMs, nowMs, i18n.language) })}</span>;
}

function Decide({ id, canCancel, canSendAgain }: Pick<HistoryRow, "id" | "canCancel" | "canSendAgain">) {
  const { t } = useTranslation("wallet");
  const { t: app } = useTranslation("app");
  const isStale = useIsStale();
  const again = useCall("sendAgain");
  const cancel = useCall("cancelOperation");
  const [isAsking, setIsAsking] = useState(false);
  const takeBack = async (): Promise<void> => {
    if ((await cancel.run({ id })) !== undefined) setIsAsking(false);
  };
  return (
    <div className="history-decide">
      {canSendAgain && <p className="quiet small">{t("stuckWhy")}</p>}
      <div className="row">
        {canSendAgain && (
          <Button size="small" isDisabled={isStale || again.isRunning} onPress={() => void again.run({ id })}>
            {t("sendAgain")}
          </Button>
        )}
        {canCancel && (
          <Button size="small" kind="quiet" isDisabled={isStale} onPress={() => setIsAsking(true)}>
            {t("cancelOperation")}
          </Button>
        )}
      </div>
      <Failure failure={again.failure} />
      <Dialog
        title={t("cancelTitle")}
        isOpen={isAsking}
        onClose={() => setIsAsking(false)}
        actions={
          <>
            <Button onPress={() => setIsAsking(false)}>{app("back")}</Button>
            <Button kind="main" isDisabled={cancel.isRunning} onPress={() => void takeBack()}>
              {t("cancelDo")}
            </Button>
          </>
        }
      >
        <p>{t("cancelWhy")}</p>
        <Failure failure={cancel.failure} />
      </Dialog>
    </div>
  );
}
