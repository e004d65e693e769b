/** A person's money on this computer's network: what there is, where it lies, and what came and went. */
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { useCall } from "../../store/calls.ts";
import { useHost, useIsStale } from "../../store/hostStore.ts";
import { go } from "../../store/place.ts";
import { useQueryOf } from "../../store/queries.ts";
import { Button } from "../../ui/Button.tsx";
import { formatNumber } from "../../ui/format.ts";
import { Failure } from "../../ui/notices.tsx";
import { Amount, Badge, Card, EmptyState, ProgressBar, Stale } from "../../ui/show.tsx";
import { Accounts } from "./Accounts.tsx";
import { BonusOffer } from "./BonusOffer.tsx";
import { Documents } from "./Documents.tsx";
import { forgetPayment, useHandedPayment } from "./handedPayment.ts";
import { History } from "./History.tsx";
import { ReceiveDialog } from "./ReceiveDialog.tsx";
import { SendDialog } from "./SendDialog.tsx";
import { UnlockDialog } from "./Unlock.tsx";
import "./wallet.css";

export function WalletView() {
  const { t } = useTranslation("wallet");
  const nodeState = useHost(({ status }) => status?.nodeState ?? null);
  // Who goes elsewhere is not asked for it later.
  useEffect(() => forgetPayment, []);
  return (
    <div className="view wallet">
      <header className="spread">
        <h1>{t("title")}</h1>
        {nodeState === "running" && <Lock />}
      </header>
      {nodeState === null || nodeState === "starting" ? (
        <ProgressBar label={t("opening")} value={null} text="" />
      ) : nodeState === "running" ? (
        <OpenWallet />
      ) : (
        <EmptyState title={t("noNode")} actions={<Button onPress={() => go("join")}>{t("noNodeDo")}</Button>}>
          {t("noNodeWhat")}
        </EmptyState>
      )}
    </div>
  );
}

function Lock() {
  const { t } = useTranslation("wallet");
  const isUnlocked = useHost(({ status }) => status?.isAccountUnlocked === true);
  const isStale = useIsStale();
  const lock = useCall("lock");
  const [isOpening, setIsOpening] = useState(false);
  return (
    <div className="row">
      <Badge tone={isUnlocked ? "good" : "plain"}>{t(isUnlocked ? "unlocked" : "locked")}</Badge>
      {isUnlocked ? (
        <Button size="small" isDisabled={isStale || lock.isRunning} onPress={() => void lock.run(undefined)}>
          {t("lock")}
        </Button>
      ) : (
        <Button size="small" isDisabled={isStale} onPress={() => setIsOpening(true)}>
          {t("unlock")}
        </Button>
      )}
      <Failure failure={lock.failure} />
      {isOpening && <UnlockDialog onUnlocked={() => setIsOpening(false)} onClose={() => setIsOpening(false)} />}
    </div>
  );
}

function OpenWallet() {
  const { t, i18n } = useTranslation("wallet");
  const { t: app } = useTranslation("app");
  const { value, atMs, failure, isStale, refresh } = useQueryOf("balance", undefined, {
    refreshOn: ["window-closed", "history", "snapshot"],
  });
  const [open, setOpen] = useState<"send" | "receive" | null>(null);
  const handed = useHandedPayment(({ to }) => to);
  if (value === undefined) {
    return failure === null ? (
      <ProgressBar label={t("opening")} value={null} text="" />
    ) : (
      <Failure failure={failure} actions={<Button onPress={refresh}>{app("retry")}</Button>} />
    );
  }
  const { total, available, accounts, window } = value;
  const close = (): void => {
    setOpen(null);
    forgetPayment();
  };
  return (
    <>
      <Stale isStale={isStale} atMs={atMs}>
        <Card>
          <div className="balance">
            <div>
              <h2 className="quiet balance-name">{t("balance")}</h2>
              <p className="balance-total" data-balance={total}>
                <Amount value={total} />
              </p>
              {available !== total && (
                <p className="quiet">
                  {t("available")}: <Amount value={available} /> · {t("availableWhy")}
                </p>
              )}
              {window !== null && (
                <p className="quiet small">{t("asOfWindow", { window: formatNumber(window, i18n.language) })}</p>
              )}
            </div>
            <div className="row">
              <Button kind="main" isDisabled={isStale || total === "0"} onPress={() => setOpen("send")}>
                {t("send")}
              </Button>
              <Button isDisabled={isStale} onPress={() => setOpen("receive")}>
                {t("receive")}
              </Button>
            </div>
          </div>
        </Card>
        <Failure failure={failure} />
      </Stale>
      <BonusOffer />
      <Stale isStale={isStale} atMs={atMs}>
        <Accounts accounts={accounts} />
      </Stale>
      <History />
      <Documents accounts={accounts} />
      {(open === "send" || handed !== null) && (
        <SendDialog key={handed} balance={value} to={handed ?? ""} onClose={close} />
      )}
      {open === "receive" && <ReceiveDialog accounts={accounts} onClose={close} />}
    </>
  );
}
