import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Notice } from "../../../main/api/contract.ts";
import { ask, failureOf } from "../../store/api.ts";
import { useIsStale } from "../../store/hostStore.ts";
import { Button } from "../../ui/Button.tsx";
import { Failure } from "../../ui/notices.tsx";
import { saveText } from "./saveText.ts";

/** Of a thousand entries each: more than a person could have lived through. */
const PAGES_MAX = 1_000;

export function ExportCsv() {
  const { t } = useTranslation("wallet");
  const isStale = useIsStale();
  const [isRunning, setIsRunning] = useState(false);
  const [failure, setFailure] = useState<Notice | null>(null);
  const run = async (): Promise<void> => {
    setIsRunning(true);
    setFailure(null);
    try {
      saveText("montana-history.csv", "text/csv", await wholeHistory());
    } catch (error) {
      setFailure(failureOf(error));
    }
    setIsRunning(false);
  };
  return (
    <>
      <Button size="small" isDisabled={isRunning || isStale} onPress={() => void run()}>
        {isRunning ? t("exporting") : t("exportCsv")}
      </Button>
      <Failure failure={failure} />
    </>
  );
}

async function wholeHistory(): Promise<string> {
  const parts: string[] = [];
  let before: string | null = null;
  for (let page = 0; page < PAGES_MAX; page++) {
    const { text, next }: { text: string; next: string | null } = await ask(
      "historyCsv",
      before === null ? {} : { before },
    );
    parts.push(text);
    if (next === null) break;
    before = next;
  }
  return parts.join("");
}
