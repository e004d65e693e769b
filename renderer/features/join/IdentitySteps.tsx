/**
 * An identity made, or restored: the passphrase, then the words, which the host gets at once. Whatever was typed or shown is
 * forgotten with these steps.
 */
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Form } from "react-aria-components";

import { useCall } from "../../store/calls.ts";
import { Button } from "../../ui/Button.tsx";
import { TextField } from "../../ui/fields.tsx";
import { Failure } from "../../ui/notices.tsx";
import { ProgressBar } from "../../ui/show.tsx";
import { Passphrase } from "./Passphrase.tsx";
import { askedPlaces, wrongPlaces } from "./phrase.ts";
import { StepHead } from "./StepHead.tsx";
import { TypedWords } from "./TypedWords.tsx";

export interface IdentityStepsProps {
  readonly isRestored: boolean;
  /** The host has it, and nothing more happens here. */
  readonly onMade: () => void;
  readonly onBack: () => void;
}

export function IdentitySteps({ isRestored, onMade, onBack }: IdentityStepsProps) {
  const { t } = useTranslation("join");
  const make = useCall("makeIdentity");
  const [passphrase, setPassphrase] = useState<string | null>(null);
  const finish = async (words: readonly string[]): Promise<void> => {
    const identity = await make.run({ words: [...words], passphrase: passphrase ?? "" });
    if (identity === undefined) return;
    setPassphrase(null);
    onMade();
  };
  if (passphrase === null) return <Passphrase onChosen={setPassphrase} onBack={onBack} />;
  return (
    <div className="stack">
      {isRestored ? (
        <TypedWords onTyped={(words) => void finish(words)} onBack={onBack} isBusy={make.isRunning} />
      ) : (
        <NewWords onConfirmed={(words) => void finish(words)} onBack={onBack} isBusy={make.isRunning} />
      )}
      {make.isRunning && <ProgressBar label={t("making")} value={null} text="" />}
      <Failure failure={make.failure} />
    </div>
  );
}

interface NewWordsProps {
  readonly onConfirmed: (words: readonly string[]) => void;
  readonly onBack: () => void;
  readonly isBusy: boolean;
}

const NO_WORDS: readonly string[] = [];

function NewWords({ onConfirmed, onBack, isBusy }: NewWordsProps) {
  const { t } = useTranslation("join");
  const { t: app } = useTranslation("app");
  const { run, failure } = useCall("newWords");
  const [words, setWords] = useState(NO_WORDS);
  const [asked, setAsked] = useState<readonly number[] | null>(null);
  useEffect(() => {
    void run(undefined).then((made) => {
      if (made !== undefined) setWords(made.words);
    });
  }, [run]);
  if (asked !== null) {
    return (
      <ConfirmedWords
        words={words}
        asked={asked}
        onConfirmed={() => onConfirmed(words)}
        onBack={() => setAsked(null)}
        isBusy={isBusy}
      />
    );
  }
  return (
    <>
      <StepHead>{t("wordsTitle")}</StepHead>
      <p>{t("wordsWhy")}</p>
      {words.length === 0 && failure === null && <ProgressBar label={t("wordsMaking")} value={null} text="" />}
      <ol className="words" aria-label={t("wordsTitle")} translate="no">
        {words.map((word, place) => (
          <li key={place}>
            <span className="words-place figures" aria-hidden="true">
              {place + 1}
            </span>
            <span className="mono">{word}</span>
          </li>
        ))}
      </ol>
      <ul className="points quiet">
        <li>{t("wordsPaper")}</li>
        <li>{t("wordsNobody")}</li>
      </ul>
      <Failure failure={failure} />
      <div className="row">
        <Button kind="main" isDisabled={words.length === 0} onPress={() => setAsked(askedPlaces(randomBelow))}>
          {t("wordsWritten")}
        </Button>
        <Button onPress={onBack}>{app("cancel")}</Button>
      </div>
    </>
  );
}

interface ConfirmedWordsProps {
  readonly words: readonly string[];
  readonly asked: readonly number[];
  readonly onConfirmed: () => void;
  readonly onBack: () => void;
  readonly isBusy: boolean;
}

function ConfirmedWords({ words, asked, onConfirmed, onBack, isBusy }: ConfirmedWordsProps) {
  const { t } = useTranslation("join");
  const [answers, setAnswers] = useState(() => asked.map(() => ""));
  const [wrong, setWrong] = useState<readonly number[]>([]);
  const check = (): void => {
    const found = wrongPlaces(words, asked, answers);
    setWrong(found);
    if (found.length === 0) onConfirmed();
  };
  return (
    <Form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        check();
      }}
    >
      <StepHead>{t("confirmTitle")}</StepHead>
      <p>{t("confirmWhy")}</p>
      <div className="answers">
        {asked.map((place, i) => (
          <TextField
            key={place}
            label={t("confirmWord", { place: place + 1 })}
            value={answers[i] ?? ""}
            onChange={(answer) => {
              setAnswers(answers.with(i, answer));
              setWrong(wrong.filter((other) => other !== place));
            }}
            error={wrong.includes(place) ? t("confirmWrong", { place: place + 1 }) : undefined}
            autoComplete="off"
            autoCorrect="off"
            spellCheck="false"
            isMono
          />
        ))}
      </div>
      <div className="row">
        <Button kind="main" type="submit" isDisabled={isBusy || answers.some((answer) => answer.trim() === "")}>
          {t("confirm")}
        </Button>
        <Button onPress={onBack} isDisabled={isBusy}>
          {t("confirmShow")}
        </Button>
      </div>
    </Form>
  );
}

function randomBelow(bound: number): number {
  // The bound is at most 24: the bias of the remainder is below 10⁻⁸.
  return crypto.getRandomValues(new Uint32Array(1))[0]! % bound;
}
