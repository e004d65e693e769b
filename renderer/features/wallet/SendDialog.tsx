/** A payment: written, looked at once more, sent, and followed until the history takes over. */
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Form } from "react-aria-components";

import { useIsStale, useHost } from "../../store/hostStore.ts";
import { useQueryOf } from "../../store/queries.ts";
import type { Answer, Asked } from "../../store/api.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { Select, TextField } from "../../ui/fields.tsx";
import { formatAmount, formatDuration } from "../../ui/format.ts";
import { Failure, useExplain } from "../../ui/notices.tsx";
import { Badge, Facts } from "../../ui/show.tsx";
import { ROLE_NAMES, type Account } from "./Accounts.tsx";
import { pageHash } from "./hash.ts";
import { STATE_TEXTS } from "./historyRows.ts";
import { amountOf, largestPayment, recipientOf, tooMuch, typedAmount } from "./payment.ts";
import { orderName, useSignedCall } from "./Unlock.tsx";

type Balance = Answer<"balance">;
type Opened = Answer<"openRequest">;

interface Draft {
  readonly to: string;
  readonly amount: string;
  readonly from: Account["role"] | "auto";
}

/** As it is sent, with what the person must know of the receiver. */
interface Payment {
  readonly order: Asked<"send">;
  readonly address: string;
  readonly isKnownToExist: boolean | null;
}

export interface SendDialogProps {
  readonly balance: Balance;
  /** What stands in the form from the beginning: an address, a request, or nothing. */
  readonly to: string;
  readonly onClose: () => void;
}

export function SendDialog({ balance, to, onClose }: SendDialogProps) {
  const { t } = useTranslation("wallet");
  const [draft, setDraft] = useState<Draft>({ to, amount: "", from: "auto" });
  const [payment, setPayment] = useState<Payment | null>(null);
  const [sent, setSent] = useState<Answer<"send"> | null>(null);
  const title = sent !== null ? t("sentTitle") : t("sendTitle");
  return (
    <Dialog title={title} isOpen onClose={onClose} isHeld={payment !== null && sent === null}>
      {sent !== null ? (
        <Sent sent={sent} onClose={onClose} />
      ) : payment === null ? (
        <Write balance={balance} draft={draft} onDraft={setDraft} onReady={setPayment} onClose={onClose} />
      ) : (
        <Review payment={payment} onSent={setSent} onEdit={() => setPayment(null)} />
      )}
    </Dialog>
  );
}

interface WriteProps {
  readonly balance: Balance;
  readonly draft: Draft;
  readonly onDraft: (draft: Draft) => void;
  readonly onReady: (payment: Payment) => void;
  readonly onClose: () => void;
}

function Write({ balance, draft, onDraft, onReady, onClose }: WriteProps) {
  const { t, i18n } = useTranslation("wallet");
  const { t: app } = useTranslation("app");
  const { language } = i18n;
  const explain = useExplain();
  const isStale = useIsStale();
  const recipient = recipientOf(pageHash, draft.to);
  const request = recipient.kind === "request" ? recipient.request : null;
  const opened = useQueryOf("openRequest", { request: request ?? "-" }, { isOff: request === null });
  const wanted = request === null ? undefined : opened.value;
  // What the request asks for stands until something is typed.
  const amount = amountOf(draft.amount, language);
  const moneta = amount.kind === "amount" ? amount.moneta : amount.kind === "empty" ? (wanted?.amount ?? null) : null;
  const sources = balance.accounts.filter(({ exists }) => exists);
  const chosen = draft.from === "auto" ? sources : sources.filter(({ role }) => role === draft.from);
  const total = chosen.reduce((sum, each) => sum + BigInt(each.balance), 0n).toString();
  const excess = moneta === null ? null : tooMuch(moneta, total);
  const isReady =
    moneta !== null && excess === null && (recipient.kind === "account" || wanted !== undefined) && !isStale;
  const ready = (): void => {
    if (!isReady) return;
    const from = draft.from === "auto" ? {} : { from: draft.from };
    const order = { amount: moneta, ...from, order: orderName() };
    if (recipient.kind === "account") {
      onReady({ order: { ...order, to: recipient.address }, address: recipient.address, isKnownToExist: null });
    } else if (wanted !== undefined && request !== null) {
      onReady({ order: { ...order, request }, address: wanted.address, isKnownToExist: wanted.exists });
    }
  };
  const amountError = amount.kind === "invalid" ? amount.failure : excess;
  return (
    <Form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        ready();
      }}
    >
      <TextField
        label={t("sendTo")}
        hint={t("sendToHint")}
        rows={2}
        value={draft.to}
        onChange={(to) => onDraft({ ...draft, to })}
        error={recipient.kind === "invalid" ? sentenceOf(explain(recipient.failure)) : undefined}
        autoComplete="off"
        spellCheck="false"
        isMono
        // The dialog is for this.
        autoFocus
      />
      {request !== null && <Failure failure={opened.failure} />}
      {wanted !== undefined && <OpenedRequest wanted={wanted} />}
      <div className="send-amount">
        <TextField
          label={t("sendAmount")}
          hint={t("sendAmountHint", { total: formatAmount(total, language) })}
          value={draft.amount}
          onChange={(typed) => onDraft({ ...draft, amount: typed })}
          error={amountError === null ? undefined : sentenceOf(explain(amountError))}
          inputMode="decimal"
          autoComplete="off"
          {...(wanted?.amount == null ? {} : { placeholder: typedAmount(wanted.amount, language) })}
        />
        <Button
          size="small"
          kind="quiet"
          onPress={() => onDraft({ ...draft, amount: typedAmount(largestPayment(chosen), language) })}
        >
          {t("sendAll")}
        </Button>
      </div>
      {sources.length > 1 && (
        <Select
          label={t("sendFrom")}
          value={draft.from}
          onChange={(from) => onDraft({ ...draft, from })}
          choices={[
            { id: "auto", name: t("sendFromAuto") },
            ...sources.map(({ role, balance: held }) => ({
              id: role,
              name: t(ROLE_NAMES[role]),
              hint: `${formatAmount(held, language)} Ɉ`,
            })),
          ]}
        />
      )}
      <div className="row end">
        <Button onPress={onClose}>{app("cancel")}</Button>
        <Button kind="main" type="submit" isDisabled={!isReady}>
          {t("sendReview")}
        </Button>
      </div>
    </Form>
  );
}

function OpenedRequest({ wanted: { address, amount, note, exists } }: { wanted: Opened }) {
  const { t, i18n } = useTranslation("wallet");
  return (
    <div className="notice" role="status">
      <p className="notice-sentence mono" translate="no">
        {t("sendRequestFor", { address })}
      </p>
      {amount !== null && <p>{t("sendRequestAmount", { amount: formatAmount(amount, i18n.language) })}</p>}
      {note !== null && <p>{t("sendRequestNote", { note })}</p>}
      {!exists && <p>{t("sendCreatesTitle")}</p>}
    </div>
  );
}

interface ReviewProps {
  readonly payment: Payment;
  readonly onSent: (sent: Answer<"send">) => void;
  readonly onEdit: () => void;
}

function Review({ payment: { order, address, isKnownToExist }, onSent, onEdit }: ReviewProps) {
  const { t, i18n } = useTranslation("wallet");
  const { language } = i18n;
  const isStale = useIsStale();
  const time = useQueryOf("time", undefined);
  const send = useSignedCall("send", onSent);
  const seconds = time.value?.meanWindowSeconds ?? null;
  const needsRequest = send.failure?.code === "receiver-needs-request";
  // The button that led here is gone: without it keys would reach nobody, and nothing would be read aloud.
  const question = useRef<HTMLParagraphElement>(null);
  useEffect(() => question.current?.focus(), []);
  return (
    <div className="stack">
      <p ref={question} tabIndex={-1} className="send-question">
        {t("sendQuestion", { amount: formatAmount(order.amount, language) })}
      </p>
      <Facts
        facts={[
          [
            t("sendReceiver"),
            <span key="address" className="mono" translate="no">
              {address}
            </span>,
          ],
          ...(order.from === undefined ? [] : [[t("sendFrom"), t(ROLE_NAMES[order.from])] as const]),
          [t("sendFee"), t("sendFeeNone")],
          [
            t("sendArrives"),
            seconds === null
              ? t("sendArrivesIn")
              : t("sendArrivesAbout", { duration: formatDuration(2 * seconds, language) }),
          ],
        ]}
      />
      {isKnownToExist === false && (
        <div className="notice notice-good">
          <p className="notice-sentence">{t("sendCreatesTitle")}</p>
          <p>{t("sendCreatesWhat")}</p>
        </div>
      )}
      <p className="quiet small">{t("sendNoWay")}</p>
      {needsRequest && (
        <div className="notice notice-warning" role="alert">
          <p className="notice-sentence">{t("sendNeedsRequestTitle")}</p>
          <p>{t("sendNeedsRequest")}</p>
        </div>
      )}
      <Failure failure={needsRequest ? null : send.failure} />
      <div className="row end">
        <Button onPress={onEdit} isDisabled={send.isRunning}>
          {t("sendEdit")}
        </Button>
        {!needsRequest && (
          <Button kind="main" isDisabled={send.isRunning || isStale} onPress={() => void send.run(order)}>
            {send.isRunning ? t("sending") : t("sendDo")}
          </Button>
        )}
      </div>
      {send.dialog}
    </div>
  );
}

/** What became of it, as the host tells. */
function Sent({ sent, onClose }: { sent: Answer<"send">; onClose: () => void }) {
  const { t } = useTranslation("wallet");
  const told = useHost(({ history }) => history.find(({ id }) => id === sent.id));
  const state = told?.state ?? sent.state;
  return (
    <div className="stack">
      <p role="status" data-operation={state}>
        <Badge tone={state === "settled" ? "good" : "plain"}>{t(STATE_TEXTS[state])}</Badge>
      </p>
      <p className="quiet">{t("ordered")}</p>
      <div className="row end">
        <Button kind="main" onPress={onClose}>
          {t("sentClose")}
        </Button>
      </div>
    </div>
  );
}

const sentenceOf = ({ sentence, remedy }: { sentence: string; remedy: string }): string => `${sentence} ${remedy}`;
