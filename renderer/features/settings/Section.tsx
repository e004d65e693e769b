/** What sections have in common: the answer that they show, or why there is none. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { QueryName } from "../../store/api.ts";
import type { QueryAnswer } from "../../store/queries.ts";
import { Button } from "../../ui/Button.tsx";
import { Failure } from "../../ui/notices.tsx";
import { Age } from "../../ui/show.tsx";

export interface AnsweredProps<N extends QueryName> {
  readonly answer: QueryAnswer<N>;
  readonly children: (value: NonNullable<QueryAnswer<N>["value"]>) => ReactNode;
}

/** A draft in a field must not be lost when the host is: what is below stays, and the age of what it shows is said above it. */
export function Answered<N extends QueryName>({ answer, children }: AnsweredProps<N>) {
  const { t } = useTranslation("settings");
  const { value, atMs, failure, isStale, refresh } = answer;
  const again = <Button onPress={refresh}>{t("retry", { ns: "app" })}</Button>;
  const told = failure?.code === "host-lost" ? null : failure;
  return (
    <>
      <div role="status">
        {isStale && atMs !== null && (
          <p className="settings-stale" data-stale="">
            {t("stale")} <Age atMs={atMs} />
          </p>
        )}
      </div>
      {told !== null && <Failure failure={told} actions={again} />}
      {value !== undefined ? (
        children(value)
      ) : told === null ? (
        <p className="quiet">{t("loading", { ns: "app" })}</p>
      ) : null}
    </>
  );
}

/** What became of what was ordered, read aloud. */
export function Done({ children }: { children: ReactNode }) {
  return (
    <div role="status" className="settings-done">
      {children}
    </div>
  );
}
