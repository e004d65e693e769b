/** Keys of cities that changed and that nobody has judged yet. */
import { useTranslation } from "react-i18next";

import { useQueryOf } from "../../store/queries.ts";
import { placeOf, type City } from "../map/cities.ts";
import { KeyQuestion } from "./KeyQuestion.tsx";

export function HeldKeys({ cities }: { cities: readonly City[] }) {
  const { t, i18n } = useTranslation("connect");
  const keys = useQueryOf("vpnKeys", undefined, { refreshOn: ["tunnel"] }).value?.keys ?? [];
  const open = keys.filter(({ isRefused }) => !isRefused);
  if (open.length === 0) return null;
  return (
    <section className="held-keys" aria-label={t("keysTitle")}>
      {open.map((held) => (
        <KeyQuestion key={held.id} held={held} place={placeOf(cities, held.city, i18n.language)} />
      ))}
    </section>
  );
}
