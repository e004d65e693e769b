/** What a sender needs: an address, or a request that lets the payment create the account. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Form } from "react-aria-components";

import { useCall } from "../../store/calls.ts";
import type { Answer } from "../../store/api.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { Segments, Select, TextField } from "../../ui/fields.tsx";
import { Failure, useExplain } from "../../ui/notices.tsx";
import { Copy, Qr } from "../../ui/show.tsx";
import { ROLE_NAMES, type Account } from "./Accounts.tsx";
import { amountOf } from "./payment.ts";
import { saveText } from "./saveText.ts";

export function ReceiveDialog({ accounts, onClose }: { accounts: readonly Account[]; onClose: () => void }) {
  const { t } = useTranslation("wallet");
  const { t: app } = useTranslation("app");
  const existing = accounts.filter(({ exists }) => exists);
  const hasOwn = existing.some(({ role }) => role === "account");
  const [how, setHow] = useState<"address" | "request">(existing.length > 0 ? "address" : "request");
  return (
    <Dialog
      title={t("receiveTitle")}
      isOpen
      onClose={onClose}
      actions={<Button onPress={onClose}>{app("close")}</Button>}
    >
      <Segments
        label={t("receiveHow")}
        value={how}
        onChange={setHow}
        choices={[
          { id: "address", name: t("receiveAddress") },
          { id: "request", name: t("receiveRequest") },
        ]}
      />
      {how === "address" ? <Address accounts={existing} /> : <Request isThere={hasOwn} />}
    </Dialog>
  );
}

function Address({ accounts }: { accounts: readonly Account[] }) {
  const { t } = useTranslation("wallet");
  const [role, setRole] = useState<Account["role"] | null>(accounts[0]?.role ?? null);
  const account = accounts.find((each) => each.role === role);
  if (account === undefined) return <p>{t("receiveNoAccount")}</p>;
  return (
    <div className="stack">
      <p className="quiet">{t("receiveAddressWhat")}</p>
      {accounts.length > 1 && (
        <Select
          label={t("receiveAccount")}
          value={account.role}
          onChange={setRole}
          choices={accounts.map((each) => ({ id: each.role, name: t(ROLE_NAMES[each.role]) }))}
        />
      )}
      <div className="receive-qr">
        <Qr text={`montana:${account.address}`} label={t("receiveQr")} />
      </div>
      <p className="mono account-address" translate="no">
        {account.address}
      </p>
      <div className="row">
        <Copy text={account.address} />
      </div>
    </div>
  );
}

type Made = Answer<"createRequest">;

function Request({ isThere }: { isThere: boolean }) {
  const { t, i18n } = useTranslation("wallet");
  const explain = useExplain();
  const create = useCall("createRequest");
  const [amount, setAmount] = useState("");
  const [note, setNote] = useState("");
  const [made, setMade] = useState<Made | null>(null);
  const typed = amountOf(amount, i18n.language);
  const make = async (): Promise<void> => {
    const answer = await create.run({
      ...(typed.kind === "amount" ? { amount: typed.moneta } : {}),
      ...(note.trim() === "" ? {} : { note: note.trim() }),
    });
    if (answer !== undefined) setMade(answer);
  };
  if (made !== null) return <MadeRequest made={made} onAgain={() => setMade(null)} />;
  return (
    <Form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (typed.kind !== "invalid") void make();
      }}
    >
      <p className="quiet">{t(isThere ? "receiveRequestExists" : "receiveRequestWhat")}</p>
      <TextField
        label={t("receiveAmount")}
        hint={t("optional")}
        value={amount}
        onChange={setAmount}
        error={typed.kind === "invalid" ? explain(typed.failure).remedy : undefined}
        inputMode="decimal"
        autoComplete="off"
      />
      <TextField label={t("receiveNote")} hint={t("receiveNoteHint")} value={note} onChange={setNote} maxLength={280} />
      <Failure failure={create.failure} />
      <div className="row">
        <Button kind="main" type="submit" isDisabled={create.isRunning || typed.kind === "invalid"}>
          {t("receiveMake")}
        </Button>
      </div>
    </Form>
  );
}

function MadeRequest({ made: { request, pictures }, onAgain }: { made: Made; onAgain: () => void }) {
  const { t } = useTranslation("wallet");
  const [shown, setShown] = useState(0);
  const label = t("receivePicture", { number: shown + 1, total: pictures.length });
  return (
    <div className="stack">
      <h3>{t("receiveLink")}</h3>
      <div className="row">
        <Copy text={request} label={t("receiveCopyLink")} />
        <Button size="small" onPress={() => saveText("montana-request.txt", "text/plain", `${request}\n`)}>
          {t("receiveSave")}
        </Button>
      </div>
      <h3>{t("receivePictures")}</h3>
      <div className="receive-qr">
        <Qr text={pictures[shown]!} label={label} />
      </div>
      <div className="row receive-turn">
        <Button size="small" isDisabled={shown === 0} onPress={() => setShown(shown - 1)}>
          {t("receivePrevious")}
        </Button>
        <span role="status" className="small figures">
          {label}
        </span>
        <Button size="small" isDisabled={shown === pictures.length - 1} onPress={() => setShown(shown + 1)}>
          {t("receiveNext")}
        </Button>
      </div>
      <div className="row">
        <Button kind="quiet" onPress={onAgain}>
          {t("receiveAgain")}
        </Button>
      </div>
    </div>
  );
}
