/** The map itself: MapLibre with the land that comes with the page. No server is ever asked where somebody looks. */
import { Map as MapLibre, setWorkerUrl, type GeoJSONSource, type StyleSpecification } from "maplibre-gl";
import workerUrl from "virtual:map-worker-address";
import "maplibre-gl/dist/maplibre-gl.css";
import type { FeatureCollection, LineString, Point, Position } from "geojson";

import landUrl from "../../../.cache/page/land.json?url";
import type { CityProperties } from "./features.ts";
import { Pace } from "./pace.ts";
import { signs, SIGN_RATIO, type SignColours } from "./signs.ts";

setWorkerUrl(workerUrl);

/** Of the land: closer there is nothing to see. */
const ZOOM_MAX = 7.5;
const ZOOM_CITY = 4.2;
/** Cities closer than this to each other are one circle with their number, pixels. */
const CLUSTER_RADIUS = 34;
/** From here on every city is drawn for itself. */
const CLUSTER_ZOOM_MAX = 5;
const FLIGHT_MS = 1_400;
/** Pixels around a sign that belong to it: a finger is wider than a city. */
const TAP_RADIUS = 14;
const FONT = ["sans-serif"];
/** Pixels that a coast may be moved by. */
const LAND_TOLERANCE = 1;
/** Of 512 across a tile: what lies beyond its edge and is drawn with it, so that no edge is seen. */
const LAND_BUFFER = 8;

export interface MapLook {
  readonly isStill: boolean;
  /** Without coast lines, names and movement. */
  readonly isReduced: boolean;
}

export interface MapOptions {
  readonly container: HTMLElement;
  readonly look: MapLook;
  readonly onCity: (id: string) => void;
  /** Drawing is given up. */
  readonly onFailure: () => void;
}

type Cities = FeatureCollection<Point, CityProperties>;
type Lines = FeatureCollection<LineString>;
const NONE = { type: "FeatureCollection", features: [] } as const;

export class DrawnMap {
  readonly #map: MapLibre;
  readonly #container: HTMLElement;
  #look: MapLook;
  #isReady = false;
  #cities: Cities = NONE as unknown as Cities;
  #route: { readonly lines: Lines; readonly ends: readonly Position[] } = { lines: NONE as unknown as Lines, ends: [] };
  #chosen: string | null = null;
  readonly #pace = new Pace();
  #rest: ReturnType<typeof setTimeout> | undefined;
  /** Of the pixels in each direction, as drawn now. */
  #share = 1;
  /** Shows the cities: they may come after the map. From then on where it looks is the person's. */
  #isFramed = false;

  constructor({ container, look, onCity, onFailure }: MapOptions) {
    this.#container = container;
    this.#look = look;
    this.#map = new MapLibre({
      container,
      style: this.#style(),
      center: [15, 30],
      zoom: 1,
      minZoom: 0,
      maxZoom: ZOOM_MAX,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      fadeDuration: look.isStill ? 0 : 200,
      // The page says what its own parts are called.
      locale: { "Map.Title": "" },
    });
    this.#map.touchZoomRotate.disableRotation();
    this.#map.keyboard.disableRotation();
    this.#map.on("load", () => {
      this.#isReady = true;
      // The theme may have changed while the land was loaded; the layers above it take their colours now.
      this.#map.setPaintProperty("land", "fill-color", this.#colour("--map-land"));
      if (!this.#look.isReduced) this.#map.setPaintProperty("land", "fill-outline-color", this.#colour("--map-coast"));
      this.#addLayers();
      this.#frame();
    });
    this.#map.on("error", ({ error }) => {
      if (this.#isReady) console.error(error);
      else onFailure();
    });
    this.#map.on("click", ({ point }) => void this.#click([point.x, point.y], onCity));
    this.#map.on("move", () => this.#moved());
    // When also the last tile has come and the last name has faded in.
    this.#map.on("idle", () => this.#restSoon());
    this.#map.on("mousemove", ({ point }) => {
      if (this.#map.isMoving()) return;
      this.#map.getCanvas().style.cursor = this.#at([point.x, point.y]).length > 0 ? "pointer" : "";
    });
  }

  remove(): void {
    clearTimeout(this.#rest);
    this.#map.remove();
  }

  /** Colours come from the style sheet: after it has changed. */
  redraw(look: MapLook): void {
    this.#look = look;
    if (!this.#isReady) return;
    this.#map.setStyle(this.#style(), { diff: false });
    this.#map.once("styledata", () => this.#addLayers());
  }

  setCities(cities: Cities): void {
    // Asked for anew whenever the tunnel changes, and mostly the same.
    if (areSame(cities, this.#cities)) return;
    this.#cities = cities;
    if (!this.#isReady) return;
    void this.#source("cities")?.setData(cities);
    void this.#source("chosen")?.setData(this.#chosenPoint());
    if (!this.#isFramed) this.#frame();
  }

  setRoute(lines: Lines, ends: readonly Position[]): void {
    this.#route = { lines, ends };
    if (!this.#isReady) return;
    void this.#source("route")?.setData(lines);
    void this.#source("ends")?.setData(points(ends));
  }

  /** Marks a city, and goes there. */
  choose(id: string | null): void {
    const isOther = id !== this.#chosen;
    this.#chosen = id;
    if (!this.#isFramed || !isOther) return;
    void this.#source("chosen")?.setData(this.#chosenPoint());
    const at = this.#chosenPoint().features[0]?.geometry.coordinates as [number, number] | undefined;
    if (at !== undefined) this.#go(at, Math.max(this.#map.getZoom(), ZOOM_CITY));
  }

  zoomBy(steps: number): void {
    this.#map.zoomTo(this.#map.getZoom() + steps, { duration: this.#look.isStill ? 0 : 250 });
  }

  /** All cities, or the world where there is none. */
  showWorld(duration = this.#look.isStill ? 0 : FLIGHT_MS): void {
    const [first, ...others] = this.#cities.features.map(({ geometry }) => geometry.coordinates as [number, number]);
    const padding = 56;
    if (first === undefined) {
      this.#map.fitBounds(
        [
          [-150, -52],
          [170, 74],
        ],
        { padding: 0, duration },
      );
      return;
    }
    const lons = [first, ...others].map(([lon]) => lon);
    const lats = [first, ...others].map(([, lat]) => lat);
    const bounds: [[number, number], [number, number]] = [
      [Math.min(...lons), Math.min(...lats)],
      [Math.max(...lons), Math.max(...lats)],
    ];
    this.#map.fitBounds(bounds, { padding, duration, maxZoom: 3.4 });
  }

  /** Without a flight: nobody has seen anything yet. */
  #frame(): void {
    const at = this.#chosenPoint().features[0]?.geometry.coordinates as [number, number] | undefined;
    this.#isFramed = this.#cities.features.length > 0;
    if (at === undefined) this.showWorld(0);
    else this.#map.jumpTo({ center: at, zoom: ZOOM_CITY });
  }

  #go(center: [number, number], zoom: number): void {
    if (this.#look.isStill || this.#look.isReduced) this.#map.jumpTo({ center, zoom });
    else this.#map.flyTo({ center, zoom, duration: FLIGHT_MS });
  }

  /** Before the frame is drawn: what changes here is in it. */
  #moved(): void {
    clearTimeout(this.#rest);
    this.#draw(this.#pace.move(performance.now()));
  }

  /** After the frame that said so, which would be drawn over. */
  #restSoon(): void {
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => {
      if (this.#map.isMoving()) return;
      this.#pace.rest();
      if (this.#share === 1) return;
      this.#draw(1);
      // At once: a canvas of another size is empty.
      this.#map.redraw();
    });
  }

  #draw(share: number): void {
    if (share === this.#share) return;
    // First: this tells of a movement, too.
    this.#share = share;
    this.#map.setPixelRatio(share * devicePixelRatio);
  }

  async #click(point: [number, number], onCity: (id: string) => void): Promise<void> {
    const [feature] = this.#at(point);
    if (feature === undefined) return;
    const { id, cluster_id: cluster } = feature.properties as { id?: string; cluster_id?: number };
    if (id !== undefined) onCity(id);
    else if (cluster !== undefined && feature.geometry.type === "Point") {
      const zoom = await this.#source("cities")!.getClusterExpansionZoom(cluster);
      this.#go(feature.geometry.coordinates as [number, number], Math.min(zoom, ZOOM_MAX));
    }
  }

  #at([x, y]: [number, number]) {
    if (!this.#isReady || this.#map.getLayer("cities") === undefined) return [];
    const around: [[number, number], [number, number]] = [
      [x - TAP_RADIUS, y - TAP_RADIUS],
      [x + TAP_RADIUS, y + TAP_RADIUS],
    ];
    const exact = this.#map.queryRenderedFeatures([x, y], { layers: ["cities", "clusters"] });
    return exact.length > 0 ? exact : this.#map.queryRenderedFeatures(around, { layers: ["cities", "clusters"] });
  }

  #source(id: string): GeoJSONSource | undefined {
    return this.#map.getSource<GeoJSONSource>(id);
  }

  #chosenPoint(): FeatureCollection<Point> {
    const features = this.#cities.features.filter(({ properties }) => properties.id === this.#chosen);
    return { type: "FeatureCollection", features };
  }

  #colour(name: `--${string}`): string {
    return getComputedStyle(this.#container).getPropertyValue(name).trim();
  }

  /** Water is what lies behind the map: nothing is drawn where there is nothing. */
  #style(): StyleSpecification {
    const data = new URL(landUrl, import.meta.url).href;
    const coast = this.#look.isReduced ? {} : { "fill-outline-color": this.#colour("--map-coast") };
    return {
      version: 8,
      sources: { land: { type: "geojson", data, maxzoom: 6, tolerance: LAND_TOLERANCE, buffer: LAND_BUFFER } },
      layers: [
        { id: "land", type: "fill", source: "land", paint: { "fill-color": this.#colour("--map-land"), ...coast } },
      ],
    };
  }

  #addLayers(): void {
    const map = this.#map;
    if (map.getSource("cities") !== undefined) return;
    const [text, halo, accent] = [this.#colour("--text"), this.#colour("--map-land"), this.#colour("--accent")];
    const colours = Object.fromEntries(
      (["up", "degraded", "down", "unknown", "expired"] as const).map((health) => [
        health,
        this.#colour(`--health-${health}`),
      ]),
    ) as unknown as SignColours;
    for (const [name, image] of signs(colours, this.#colour("--surface"))) {
      if (!map.hasImage(name)) map.addImage(name, image, { pixelRatio: SIGN_RATIO });
    }
    const cities = this.#cities;
    map.addSource("route", { type: "geojson", data: this.#route.lines });
    map.addSource("ends", { type: "geojson", data: points(this.#route.ends) });
    map.addSource("chosen", { type: "geojson", data: this.#chosenPoint() });
    map.addSource("cities", {
      type: "geojson",
      data: cities,
      cluster: true,
      clusterRadius: CLUSTER_RADIUS,
      clusterMaxZoom: CLUSTER_ZOOM_MAX,
      clusterProperties: { working: ["+", ["case", ["==", ["get", "health"], "up"], 1, 0]] },
    });
    map.addLayer({
      id: "route-glow",
      type: "line",
      source: "route",
      layout: { "line-cap": "round" },
      paint: { "line-color": accent, "line-width": 8, "line-opacity": 0.18 },
    });
    map.addLayer({
      id: "route",
      type: "line",
      source: "route",
      layout: { "line-cap": "round" },
      paint: { "line-color": accent, "line-width": 2.5 },
    });
    map.addLayer({
      id: "ends",
      type: "circle",
      source: "ends",
      paint: {
        "circle-radius": 15,
        "circle-color": accent,
        "circle-opacity": 0.2,
        "circle-stroke-color": accent,
        "circle-stroke-width": 2,
      },
    });
    map.addLayer({
      id: "clusters",
      type: "circle",
      source: "cities",
      filter: ["has", "point_count"],
      paint: {
        "circle-radius": ["step", ["get", "point_count"], 13, 10, 16, 100, 20, 1000, 25],
        "circle-color": this.#colour("--surface"),
        "circle-stroke-width": 2.5,
        // A group is drawn as working where most of it works.
        "circle-stroke-color": [
          "case",
          [">=", ["*", 2, ["get", "working"]], ["get", "point_count"]],
          this.#colour("--health-up"),
          this.#colour("--health-unknown"),
        ],
      },
    });
    map.addLayer({
      id: "cluster-counts",
      type: "symbol",
      source: "cities",
      filter: ["has", "point_count"],
      layout: {
        "text-field": ["get", "point_count_abbreviated"],
        "text-font": FONT,
        "text-size": 12,
        "text-allow-overlap": true,
      },
      paint: { "text-color": text },
    });
    map.addLayer({
      id: "chosen",
      type: "circle",
      source: "chosen",
      paint: {
        "circle-radius": 13,
        "circle-color": "transparent",
        "circle-stroke-color": text,
        "circle-stroke-width": 2,
      },
    });
    map.addLayer({
      id: "cities",
      type: "symbol",
      source: "cities",
      filter: ["!", ["has", "point_count"]],
      layout: {
        "icon-image": ["concat", "sign-", ["get", "health"]],
        "icon-size": ["case", ["get", "hasVpn"], 1, 0.7],
        "icon-allow-overlap": true,
        ...(this.#look.isReduced
          ? {}
          : {
              "text-field": ["get", "name"],
              "text-font": FONT,
              "text-size": 13,
              "text-variable-anchor": ["left", "right", "top", "bottom"],
              // Beyond the rings around a city that was chosen, or that traffic goes through.
              "text-radial-offset": 1.35,
              "text-justify": "auto",
              "text-optional": true,
            }),
      },
      paint: { "text-color": text, "text-halo-color": halo, "text-halo-width": 1.6 },
    });
  }
}

const areSame = (a: Cities, b: Cities): boolean =>
  a.features.length === b.features.length &&
  a.features.every(({ geometry: { coordinates }, properties }, index) => {
    const other = b.features[index]!;
    const [lon, lat] = other.geometry.coordinates;
    const { id, name, health, hasVpn } = other.properties;
    const isThere = coordinates[0] === lon && coordinates[1] === lat;
    return (
      isThere &&
      properties.id === id &&
      properties.name === name &&
      properties.health === health &&
      properties.hasVpn === hasVpn
    );
  });

const points = (positions: readonly Position[]): FeatureCollection<Point> => ({
  type: "FeatureCollection",
  features: positions.map((coordinates) => ({
    type: "Feature",
    properties: {},
    geometry: { type: "Point", coordinates },
  })),
});
