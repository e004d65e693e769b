/** What went wrong or should be known: the sentence and what to do, from the one catalogue. */
import { useEffect, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Notice as Told } from "../../main/api/contract.ts";
import { explain, type Explanation, type Language } from "../../main/api/errors.ts";
import { dismissNotice, useHost } from "../store/hostStore.ts";
import { Button } from "./Button.tsx";
import type { Tone } from "./show.tsx";
import "./ui.css";

export function useExplain(): (notice: Told) => Explanation {
  const { i18n } = useTranslation();
  return (notice) => explain(notice, i18n.language as Language, "page");
}

export function Notice({ notice, tone = "warning", actions }: { notice: Told; tone?: Tone; actions?: ReactNode }) {
  const { sentence, remedy } = useExplain()(notice);
  return (
    <div className={`notice notice-${tone}`} data-code={notice.code}>
      <p className="notice-sentence">{sentence}</p>
      <p>{remedy}</p>
      {actions !== undefined && <div className="row">{actions}</div>}
    </div>
  );
}

/** Of a call or a query: read aloud when it comes. */
export function Failure({ failure, actions }: { failure: Told | null; actions?: ReactNode }) {
  return (
    <div role="alert" className="failure">
      {failure !== null && <Notice notice={failure} tone="danger" actions={actions} />}
    </div>
  );
}

const SHOWN_MAX = 3;

/** Long enough to read twice; what must not be missed stands in a view as well. */
const TOAST_MS = 12_000;

/** What the host wants known just now. */
export function Toasts() {
  const { t } = useTranslation("app");
  const notices = useHost((host) => host.notices);
  return (
    <div className="toasts" role="log" aria-label={t("notices")}>
      {notices.slice(0, SHOWN_MAX).map(({ id, notice }) => (
        <Toast key={id} id={id} notice={notice} />
      ))}
    </div>
  );
}

/** Goes by itself, but not while somebody points at it or is in it. */
function Toast({ id, notice }: { id: number; notice: Told }) {
  const { t } = useTranslation("app");
  const [isHeld, setIsHeld] = useState(false);
  useEffect(() => {
    if (isHeld) return undefined;
    const timer = setTimeout(() => dismissNotice(id), TOAST_MS);
    return () => clearTimeout(timer);
  }, [id, isHeld]);
  return (
    <div
      className="toast"
      onPointerEnter={() => setIsHeld(true)}
      onPointerLeave={() => setIsHeld(false)}
      onFocus={() => setIsHeld(true)}
      onBlur={() => setIsHeld(false)}
    >
      <Notice
        notice={notice}
        tone="plain"
        actions={
          <Button size="small" kind="quiet" onPress={() => dismissNotice(id)}>
            {t("dismiss")}
          </Button>
        }
      />
    </div>
  );
}
