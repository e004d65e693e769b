/** Where one can be: the map, the list of the same cities, and the tunnel that leads there. */
import { lazy, Suspense, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";

import { useHost } from "../../store/hostStore.ts";
import { go, usePlace } from "../../store/place.ts";
import { usePreferences } from "../../store/preferences.ts";
import { useQueryOf } from "../../store/queries.ts";
import { useSilentCities } from "../../store/silence.ts";
import { useIsStill, useTheme } from "../../ui/theme.ts";
import { EmptyState, Stale } from "../../ui/show.tsx";
import { Failure } from "../../ui/notices.tsx";
import { AddCities } from "../connect/AddCities.tsx";
import { ConnectPanel } from "../connect/ConnectPanel.tsx";
import { AUTOMATIC } from "../connect/wish.ts";
import { withSilence, type City } from "./cities.ts";
import { CityCard } from "./CityCard.tsx";
import { CityList } from "./CityList.tsx";
import { routeOf } from "./features.ts";
import { Legend } from "./Legend.tsx";
import "./map.css";

const CityMap = lazy(() => import("./CityMap.tsx"));

const NO_CITIES: readonly City[] = [];
const NO_FAVOURITES: readonly string[] = [];

export function MapView() {
  const { t } = useTranslation("map");
  const { t: tApp } = useTranslation("app");
  const { value, failure, isStale, atMs } = useQueryOf("vpnCities", undefined, { refreshOn: ["tunnel"] });
  const exit = useQueryOf("exitStatus", undefined).value;
  const tunnel = useHost((host) => host.tunnel);
  const preferences = usePreferences();
  const theme = useTheme(preferences);
  const isStill = useIsStill(preferences);
  const [isUndrawable, setIsUndrawable] = useState(false);
  const [, place] = usePlace().split("/");
  const looked = place === undefined || place === "" ? null : decodeURIComponent(place);
  const silent = useSilentCities();
  const cities = useMemo(() => withSilence(value?.cities ?? NO_CITIES, silent), [value, silent]);
  const city = cities.find(({ id }) => id === looked);
  const choose = (id: string | null): void => go(id === null ? "map" : `map/${encodeURIComponent(id)}`);
  return (
    <div className="map-view">
      <h1 className="aside">{t("title")}</h1>
      <div className="map-side">
        <ConnectPanel cities={cities} looked={city === undefined && looked !== AUTOMATIC ? null : looked} />
        {value === undefined &&
          (failure === null ? <p className="quiet">{tApp("loading")}</p> : <Failure failure={failure} />)}
        {value !== undefined && cities.length === 0 && <AddCities isFirst />}
        {city !== undefined && <CityCard city={city} cities={cities} onClose={() => choose(null)} />}
        {cities.length > 0 && (
          <>
            <Stale isStale={isStale} atMs={atMs}>
              <CityList
                cities={cities}
                favourites={preferences?.favourites ?? NO_FAVOURITES}
                chosen={looked}
                onChoose={choose}
              />
            </Stale>
            <Legend updatedAtMs={value?.updatedAtMs ?? null} />
            <AddCities />
          </>
        )}
      </div>
      <div className="map-main">
        {isUndrawable ? (
          <EmptyState title={t("mapFailed")} />
        ) : (
          <Suspense fallback={<div className="map-frame" />}>
            <CityMap
              cities={cities}
              route={routeOf(tunnel, cities, exit?.city ?? null)}
              chosen={looked}
              theme={theme}
              isStill={isStill}
              isReduced={preferences?.isMapReduced ?? false}
              onCity={choose}
              onFailure={() => setIsUndrawable(true)}
            />
          </Suspense>
        )}
      </div>
    </div>
  );
}
