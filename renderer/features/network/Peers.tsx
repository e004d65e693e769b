/** Who this node is connected with, by city. */
import { useTranslation } from "react-i18next";

import type { Output } from "../../../main/api/contract.ts";
import { formatNumber } from "../../ui/format.ts";
import { useSilentNodes } from "../../store/silence.ts";
import { Card, StaleWord } from "../../ui/show.tsx";
import { useNameOf } from "./cityName.ts";
import { peersByCity } from "./peersByCity.ts";

/** More cities than these say no more. */
const CITIES_SHOWN_MAX = 12;

export function Peers({ peers }: Pick<Output<"networkView">, "peers">) {
  const { t, i18n } = useTranslation("network");
  const nameOf = useNameOf();
  const silent = useSilentNodes();
  const number = (value: number): string => formatNumber(value, i18n.language);
  const cities = peersByCity(peers);
  const shown = cities.slice(0, CITIES_SHOWN_MAX);
  const more = cities.slice(CITIES_SHOWN_MAX);
  const most = Math.max(...cities.map((row) => row.peers), 1);
  return (
    <Card title={t("peersTitle")}>
      {cities.length === 0 ? (
        <p className="quiet">{t("peersEmpty")}</p>
      ) : (
        <ul className="network-peers">
          {shown.map(({ city, peers: count }) => (
            <li key={city?.id ?? ""}>
              <StaleWord sinceMs={silent.get(city?.id ?? null)} of={`peers ${city?.id ?? ""}`}>
                <span>{city === null ? t("peersElsewhere") : nameOf(city)}</span>
              </StaleWord>
              <span className="network-peers-bar" aria-hidden="true">
                <span style={{ inlineSize: `${(count / most) * 100}%` }} />
              </span>
              <span className="figures">{number(count)}</span>
            </li>
          ))}
        </ul>
      )}
      {more.length > 0 && <p className="quiet">{t("peersMore", { cities: number(more.length) })}</p>}
      <p className="quiet small">{t("peersPrivacy")}</p>
    </Card>
  );
}
