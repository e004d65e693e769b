/** Where cities come from: lists and links; and keys that changed. */
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Output } from "../../../main/api/contract.ts";
import { useCall } from "../../store/calls.ts";
import { useIsStale } from "../../store/hostStore.ts";
import { putAnswer, useQueryOf } from "../../store/queries.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { Disclosure } from "../../ui/Disclosure.tsx";
import { formatBytes, formatNumber, formatTime } from "../../ui/format.ts";
import { Failure, Notice } from "../../ui/notices.tsx";
import { Age, Badge, Card, EmptyState } from "../../ui/show.tsx";
import { ImportForm } from "../connect/ImportForm.tsx";
import { SkippedLines } from "../connect/SkippedLines.tsx";
import { ChangedKeys } from "./ChangedKeys.tsx";
import { Answered } from "./Section.tsx";
import { useTitleOf, type Subscription } from "./subscriptionTitle.ts";

export function Subscriptions() {
  const { t } = useTranslation("settings");
  const answer = useQueryOf("vpnSubscriptions", undefined, { refreshOn: ["tunnel"] });
  return (
    <>
      <Card title={t("addTitle")}>
        <ImportForm />
      </Card>
      <Card title={t("section-subscriptions")} actions={<Refresh />}>
        <p className="quiet">{t("subscriptionsIntro")}</p>
        <Answered answer={answer}>{(list) => <List list={list} />}</Answered>
      </Card>
      <ChangedKeys />
    </>
  );
}

function Refresh() {
  const { t } = useTranslation("settings");
  const isLost = useIsStale();
  const { run, isRunning, failure } = useCall("vpnRefresh");
  const refresh = async (): Promise<void> => {
    const list = await run(undefined);
    if (list !== undefined) putAnswer("vpnSubscriptions", list);
  };
  return (
    <>
      <Button size="small" isDisabled={isLost} isPending={isRunning} onPress={() => void refresh()}>
        {t(isRunning ? "subscriptionsRefreshing" : "subscriptionsRefresh")}
      </Button>
      <Failure failure={failure} />
    </>
  );
}

function List({ list: { subscriptions, links } }: { list: Output<"vpnSubscriptions"> }) {
  const { t, i18n } = useTranslation("settings");
  if (subscriptions.length === 0 && links === 0) {
    return (
      <EmptyState title={t("subscriptionsEmpty")}>
        <p>{t("subscriptionsEmptyHelp")}</p>
      </EmptyState>
    );
  }
  return (
    <ul className="settings-list">
      {subscriptions.map((subscription) => (
        <Entry key={subscription.id} subscription={subscription} />
      ))}
      {links > 0 && <li>{t("subscriptionsLinks", { formatted: formatNumber(links, i18n.language) })}</li>}
    </ul>
  );
}

function Entry({ subscription }: { subscription: Subscription }) {
  const { t, i18n } = useTranslation("settings");
  const title = useTitleOf()(subscription);
  const { servers, skipped, fetchedAtMs, expiresAtMs, fault, origin } = subscription;
  const usage = useUsageOf(subscription);
  return (
    <li data-subscription={title}>
      <div className="spread">
        <h3>{title}</h3>
        <span className="row">
          {fault !== null && <Badge tone="warning">{t("subscriptionsTrouble")}</Badge>}
          {origin === "person" && <Remove subscription={subscription} title={title} />}
        </span>
      </div>
      <ul className="settings-facts">
        <li>{t("subscriptionsServers", { formatted: formatNumber(servers, i18n.language) })}</li>
        <li>
          {fetchedAtMs === null ? (
            t("subscriptionsNeverFetched")
          ) : (
            <>
              {t("subscriptionsConfirmed")} <Age atMs={fetchedAtMs} />
            </>
          )}
        </li>
        {usage !== undefined && <li>{usage}</li>}
        {expiresAtMs !== null && <li>{t("subscriptionsExpires", { date: formatTime(expiresAtMs, i18n.language) })}</li>}
      </ul>
      {fault !== null && <Notice notice={fault} />}
      {skipped.length > 0 && (
        <Disclosure title={t("subscriptionsSkipped", { formatted: formatNumber(skipped.length, i18n.language) })}>
          {() => <SkippedLines lines={skipped} />}
        </Disclosure>
      )}
    </li>
  );
}

function useUsageOf({ used, allowed }: Subscription): string | undefined {
  const { t, i18n } = useTranslation("settings");
  if (used === null) return undefined;
  const shown = formatBytes(used, i18n.language);
  if (allowed === null) return t("subscriptionsUsedOnly", { used: shown });
  return t("subscriptionsUsed", { used: shown, allowed: formatBytes(allowed, i18n.language) });
}

function Remove({ subscription: { id }, title }: { subscription: Subscription; title: string }) {
  const { t } = useTranslation("settings");
  const [isAsking, setIsAsking] = useState(false);
  const isLost = useIsStale();
  const { run, isRunning, failure } = useCall("vpnRemoveSubscription");
  const remove = async (): Promise<void> => {
    const list = await run({ id });
    if (list === undefined) return;
    setIsAsking(false);
    putAnswer("vpnSubscriptions", list);
  };
  return (
    <>
      <Button
        kind="quiet"
        size="small"
        isDisabled={isLost}
        aria-label={t("subscriptionsRemoveNamed", { title })}
        onPress={() => setIsAsking(true)}
      >
        {t("subscriptionsRemove")}
      </Button>
      <Dialog
        title={t("subscriptionsRemoveTitle")}
        isOpen={isAsking}
        onClose={() => setIsAsking(false)}
        actions={
          <>
            <Button onPress={() => setIsAsking(false)}>{t("cancel", { ns: "app" })}</Button>
            <Button kind="danger" isDisabled={isRunning} onPress={() => void remove()}>
              {t("subscriptionsRemove")}
            </Button>
          </>
        }
      >
        <p>{t("subscriptionsRemoveBody", { title })}</p>
        <Failure failure={failure} />
      </Dialog>
    </>
  );
}
