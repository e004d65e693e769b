/** Opening the account for a while, and calls that need it open. */
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Form } from "react-aria-components";

import { useCall, type Call } from "../../store/calls.ts";
import type { Answer, Asked, MutationName } from "../../store/api.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { Select, TextField } from "../../ui/fields.tsx";
import { Failure } from "../../ui/notices.tsx";

const MINUTES = ["5", "60", "1440"] as const;
const MINUTES_NAMES = { "5": "unlockMinutes5", "60": "unlockMinutes60", "1440": "unlockMinutes1440" } as const;

/** One of `onUnlocked` and `onClose` comes. The passphrase is forgotten with either. */
export function UnlockDialog({ onUnlocked, onClose }: { onUnlocked: () => void; onClose: () => void }) {
  const { t } = useTranslation("wallet");
  const { t: app } = useTranslation("app");
  const unlock = useCall("unlock");
  const [passphrase, setPassphrase] = useState("");
  const [minutes, setMinutes] = useState<(typeof MINUTES)[number]>("5");
  const submit = async (): Promise<void> => {
    const answer = await unlock.run({ passphrase, seconds: 60 * Number(minutes) });
    setPassphrase("");
    if (answer === undefined) return;
    onUnlocked();
  };
  return (
    <Dialog title={t("unlockTitle")} isOpen onClose={onClose}>
      <Form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <p className="quiet">{t("unlockWhy")}</p>
        <TextField
          label={t("passphrase")}
          type="password"
          autoComplete="current-password"
          value={passphrase}
          onChange={setPassphrase}
          autoFocus
          isRequired
        />
        <Select
          label={t("unlockFor")}
          value={minutes}
          onChange={setMinutes}
          choices={MINUTES.map((id) => ({ id, name: t(MINUTES_NAMES[id]) }))}
        />
        <Failure failure={unlock.failure} />
        <div className="row end">
          <Button onPress={onClose}>{app("cancel")}</Button>
          <Button kind="main" type="submit" isDisabled={passphrase === "" || unlock.isRunning}>
            {unlock.isRunning ? t("unlocking") : t("unlock")}
          </Button>
        </div>
      </Form>
    </Dialog>
  );
}

export interface SignedCall<N extends MutationName> extends Call<N> {
  /** To be drawn beside what calls. */
  readonly dialog: ReactNode;
}

/**
 * A call that the account must be open for: where it is locked, the person is asked for the passphrase, and the same is sent
 * again. Its input must hold an order's name, so that this is carried out once.
 */
export function useSignedCall<N extends MutationName>(
  name: N,
  onAnswer: (answer: Answer<N>) => void = () => undefined,
): SignedCall<N> {
  const call = useCall(name);
  /** What is to be sent again once the account is open. */
  const [pending, setPending] = useState<Asked<N> | null>(null);
  const run = async (input: Asked<N>): Promise<Answer<N> | undefined> => {
    setPending(input);
    const answer = await call.run(input);
    if (answer !== undefined) {
      setPending(null);
      onAnswer(answer);
    }
    return answer;
  };
  const isAsking = call.failure?.code === "account-locked" && pending !== null;
  const dialog = isAsking ? (
    <UnlockDialog onUnlocked={() => void run(pending)} onClose={() => setPending(null)} />
  ) : null;
  return { ...call, failure: isAsking ? null : call.failure, run, dialog };
}

/** A new name for an order. */
export const orderName = (): string => crypto.randomUUID();
