/** The map in its frame. Loaded when it is first shown: it is most of the page's weight. */
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { Position } from "geojson";

import { Button } from "../../ui/Button.tsx";
import { DrawnMap } from "./drawnMap.ts";
import { arcs, cityFeatures } from "./features.ts";
import type { City } from "./cities.ts";

export interface CityMapProps {
  readonly cities: readonly City[];
  readonly route: readonly Position[];
  readonly chosen: string | null;
  readonly theme: string;
  readonly isStill: boolean;
  readonly isReduced: boolean;
  readonly onCity: (id: string) => void;
  readonly onFailure: () => void;
}

export default function CityMap(props: CityMapProps) {
  const { cities, route, chosen, theme, isStill, isReduced } = props;
  const { t, i18n } = useTranslation("map");
  const frame = useRef<HTMLDivElement>(null);
  const drawn = useRef<DrawnMap>(undefined);
  const newest = useRef(props);
  useEffect(() => {
    newest.current = props;
  });

  useEffect(() => {
    const { isStill: still, isReduced: reduced } = newest.current;
    try {
      drawn.current = new DrawnMap({
        container: frame.current!,
        look: { isStill: still, isReduced: reduced },
        onCity: (id) => newest.current.onCity(id),
        onFailure: () => newest.current.onFailure(),
      });
    } catch {
      // Where there is no WebGL.
      newest.current.onFailure();
    }
    return () => {
      drawn.current?.remove();
      drawn.current = undefined;
    };
  }, []);

  useEffect(() => drawn.current?.redraw({ isStill, isReduced }), [theme, isStill, isReduced]);
  useEffect(() => drawn.current?.setCities(cityFeatures(cities, i18n.language)), [cities, i18n.language]);
  const routeText = JSON.stringify(route);
  useEffect(() => {
    const stations = JSON.parse(routeText) as Position[];
    drawn.current?.setRoute(arcs(stations), stations);
  }, [routeText]);
  useEffect(() => drawn.current?.choose(chosen), [chosen, cities]);
  useEffect(() => {
    const canvas = frame.current?.querySelector("canvas");
    canvas?.setAttribute("aria-label", t("mapLabel"));
  }, [t]);

  return (
    <div className="map-frame">
      <div ref={frame} className="map-canvas" />
      <div className="map-tools">
        <Button size="small" aria-label={t("zoomIn")} onPress={() => drawn.current?.zoomBy(1)}>
          +
        </Button>
        <Button size="small" aria-label={t("zoomOut")} onPress={() => drawn.current?.zoomBy(-1)}>
          −
        </Button>
        <Button size="small" aria-label={t("zoomWorld")} onPress={() => drawn.current?.showWorld()}>
          <span aria-hidden="true">⤢</span>
        </Button>
      </div>
    </div>
  );
}
