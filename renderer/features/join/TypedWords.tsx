import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Button } from "../../ui/Button.tsx";
import { TextField } from "../../ui/fields.tsx";
import { pageHash } from "../wallet/hash.ts";
import { completedBySpace, PHRASE_WORDS, readTyped, withWord, type TypedPhrase } from "./phrase.ts";
import { StepHead } from "./StepHead.tsx";

export interface TypedWordsProps {
  readonly onTyped: (words: readonly string[]) => void;
  readonly onBack: () => void;
  readonly isBusy: boolean;
}

/** The words of an identity that is to come back, completed from the list while they are typed, and checked as a whole. */
export function TypedWords({ onTyped, onBack, isBusy }: TypedWordsProps) {
  const { t } = useTranslation("join");
  const { t: app } = useTranslation("app");
  const [text, setText] = useState("");
  const typed = readTyped(pageHash, text);
  return (
    <div className="stack">
      <StepHead>{t("restoreTitle")}</StepHead>
      <p>{t("restoreWhy")}</p>
      <TextField
        label={t("restoreWords")}
        rows={4}
        value={text}
        onChange={(next) => setText(next.length === text.length + 1 ? completedBySpace(next) : next)}
        hint={t("restoreHint")}
        error={useProblem(typed)}
        autoComplete="off"
        autoCorrect="off"
        spellCheck="false"
        isMono
      />
      <div className="row suggestions" role="group" aria-label={t("restoreSuggestions")}>
        {typed.suggestions.map((word) => (
          <Button key={word} size="small" onPress={() => setText(withWord(text, word))}>
            {word}
          </Button>
        ))}
      </div>
      <p role="status" className={typed.state === "valid" ? "good" : "quiet"}>
        {typed.state === "valid"
          ? t("restoreValid")
          : t("restoreCount", { words: typed.words.length, all: PHRASE_WORDS })}
      </p>
      <div className="row">
        <Button
          kind="main"
          isDisabled={typed.state !== "valid" || isBusy}
          onPress={() => {
            const { words } = typed;
            onTyped(words);
          }}
        >
          {t("restoreDo")}
        </Button>
        <Button onPress={onBack} isDisabled={isBusy}>
          {app("cancel")}
        </Button>
      </div>
      <p className="quiet small">{t("restoreQuiet")}</p>
    </div>
  );
}

function useProblem({ state, unknown }: TypedPhrase): string | undefined {
  const { t } = useTranslation("join");
  switch (state) {
    case "typing":
    case "valid":
      return undefined;
    case "unknown-word":
      return t("restoreUnknown", { places: unknown.map((place) => place + 1).join(", ") });
    case "too-many":
      return t("restoreTooMany", { all: PHRASE_WORDS });
    case "checksum":
      return t("restoreChecksum");
  }
}
