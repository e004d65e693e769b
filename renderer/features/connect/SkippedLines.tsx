/** Lines of a list that could not be used, each with its reason. */
import { useTranslation } from "react-i18next";

import { useExplain } from "../../ui/notices.tsx";
import "./connect.css";

const LINES_SHOWN_MAX = 50;

export function SkippedLines({ lines }: { lines: readonly { readonly line: number; readonly reason: string }[] }) {
  const { t } = useTranslation("connect");
  const explain = useExplain();
  return (
    <ul className="skipped-lines">
      {lines.slice(0, LINES_SHOWN_MAX).map(({ line, reason }) => (
        <li key={line}>{t("importSkippedLine", { line, reason: explain({ code: reason, params: {} }).sentence })}</li>
      ))}
    </ul>
  );
}
