import { useTranslation } from "react-i18next";

import { Age } from "../../ui/show.tsx";
import type { Health } from "./cities.ts";
import { HEALTH_NAMES } from "./CityList.tsx";
import { HealthSign } from "./HealthSign.tsx";

const SHOWN: readonly Health[] = ["up", "degraded", "down", "unknown"];

export function Legend({ updatedAtMs }: { updatedAtMs: number | null }) {
  const { t } = useTranslation("map");
  return (
    <div className="legend quiet small">
      <ul aria-label={t("legend")}>
        {SHOWN.map((health) => (
          <li key={health}>
            <HealthSign health={health} />
            {t(HEALTH_NAMES[health])}
          </li>
        ))}
      </ul>
      {updatedAtMs !== null && (
        <p>
          {t("updated")} <Age atMs={updatedAtMs} />
        </p>
      )}
    </div>
  );
}
