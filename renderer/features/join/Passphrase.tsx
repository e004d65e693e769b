import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Form } from "react-aria-components";

import { Button } from "../../ui/Button.tsx";
import { Switch, TextField } from "../../ui/fields.tsx";
import { PASSPHRASE_CHARACTERS_MIN, strengthOf, type Strength } from "./passphraseStrength.ts";
import { StepHead } from "./StepHead.tsx";

const STRENGTHS = {
  "too-short": "strengthShort",
  weak: "strengthWeak",
  fair: "strengthFair",
  strong: "strengthStrong",
} as const satisfies Record<Strength, string>;

export interface PassphraseProps {
  readonly onChosen: (passphrase: string) => void;
  readonly onBack: () => void;
}

/** A new passphrase, typed twice, with an honest word about it. A weak one is taken: it is the person's. */
export function Passphrase({ onChosen, onBack }: PassphraseProps) {
  const { t } = useTranslation("join");
  const { t: app } = useTranslation("app");
  const [passphrase, setPassphrase] = useState("");
  const [repeated, setRepeated] = useState("");
  const [isShown, setIsShown] = useState(false);
  const strength = strengthOf(passphrase);
  const isSame = passphrase === repeated;
  const type = isShown ? "text" : "password";
  return (
    <Form
      className="stack form"
      onSubmit={(event) => {
        event.preventDefault();
        if (strength !== "too-short" && isSame) onChosen(passphrase);
      }}
    >
      <StepHead>{t("passphraseTitle")}</StepHead>
      <p>{t("passphraseWhy")}</p>
      <TextField
        label={t("passphrase")}
        type={type}
        autoComplete="new-password"
        value={passphrase}
        onChange={setPassphrase}
        hint={t("passphraseHint", { min: PASSPHRASE_CHARACTERS_MIN })}
      />
      {passphrase !== "" && (
        <div className="strength" data-strength={strength}>
          <span className="strength-bar" aria-hidden="true" />
          <span role="status" className="small">
            {t(STRENGTHS[strength])}
          </span>
        </div>
      )}
      <TextField
        label={t("passphraseAgain")}
        type={type}
        autoComplete="new-password"
        value={repeated}
        onChange={setRepeated}
        error={repeated.length >= passphrase.length && !isSame ? t("passphraseDiffers") : undefined}
      />
      <Switch isSelected={isShown} onChange={setIsShown}>
        {t("passphraseShow")}
      </Switch>
      <div className="row">
        <Button kind="main" type="submit" isDisabled={strength === "too-short" || !isSame}>
          {app("next")}
        </Button>
        <Button onPress={onBack}>{app("back")}</Button>
      </div>
    </Form>
  );
}
