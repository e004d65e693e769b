/** The cities as a list: all that the map shows, and those whose place nobody told. */
import { useDeferredValue, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Input, Label, ListBox, ListBoxItem, SearchField } from "react-aria-components";

import { Button } from "../../ui/Button.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { Badge, StaleWord } from "../../ui/show.tsx";
import { AUTOMATIC } from "../connect/wish.ts";
import { arrange, countryNames, healthOf, indexCities, nameOf, type City, type Health } from "./cities.ts";
import { HealthSign } from "./HealthSign.tsx";

/** Rows that are drawn at a time: of ten thousand cities a person reads the first ones, or searches. */
const ROWS_STEP = 60;

export const HEALTH_NAMES = {
  up: "healthUp",
  degraded: "healthDegraded",
  down: "healthDown",
  unknown: "healthUnknown",
  expired: "healthExpired",
} as const satisfies Record<Health, string>;

export interface CityListProps {
  readonly cities: readonly City[];
  readonly favourites: readonly string[];
  readonly chosen: string | null;
  readonly onChoose: (id: string) => void;
}

export function CityList({ cities, favourites, chosen, onChoose }: CityListProps) {
  const { t, i18n } = useTranslation("map");
  const { t: tConnect } = useTranslation("connect");
  const [wanted, setWanted] = useState("");
  const [rowsMax, setRowsMax] = useState(ROWS_STEP);
  const searched = useDeferredValue(wanted);
  const { language } = i18n;
  const indexed = useMemo(() => indexCities(cities, language), [cities, language]);
  const found = useMemo(() => arrange(indexed, { wanted: searched, favourites }), [indexed, searched, favourites]);
  const countryOf = useMemo(() => countryNames(language), [language]);
  const automatic = searched === "" ? [AUTOMATIC] : [];
  return (
    <div className="cities">
      <SearchField
        className="search"
        value={wanted}
        onChange={(text) => {
          setWanted(text);
          setRowsMax(ROWS_STEP);
        }}
      >
        <Label className="aside">{t("search")}</Label>
        <Icon name="search" />
        <Input className="input" placeholder={t("search")} />
      </SearchField>
      <p className="aside" role="status">
        {t("found", { count: found.length })}
      </p>
      <ListBox
        className="city-list"
        aria-label={t("listLabel")}
        selectionMode="single"
        selectionBehavior="replace"
        disallowEmptySelection={false}
        selectedKeys={chosen === null ? [] : [chosen]}
        onSelectionChange={(keys) => {
          const [key] = keys === "all" ? [] : [...keys];
          if (key !== undefined) onChoose(String(key));
        }}
        renderEmptyState={() => <p className="quiet city-none">{t("noneFound")}</p>}
      >
        {automatic.map((id) => (
          <ListBoxItem key={id} id={id} textValue={tConnect("automatic")} className="city-row">
            <span className="city-automatic" aria-hidden="true">
              <Icon name="power" />
            </span>
            <span className="city-names">
              <span className="city-name">{tConnect("automatic")}</span>
              <span className="hint">{tConnect("automaticAbout")}</span>
            </span>
          </ListBoxItem>
        ))}
        {found.slice(0, rowsMax).map((city) => {
          const health = healthOf(city);
          const { silentSinceMs } = city;
          const state = t(silentSinceMs === undefined ? HEALTH_NAMES[health] : "silent");
          const about = [city.country === null ? null : countryOf(city.country), state];
          return (
            <ListBoxItem key={city.id} id={city.id} textValue={nameOf(city, i18n.language)} className="city-row">
              <HealthSign health={health} />
              <span className="city-names">
                <span className="city-name">{nameOf(city, i18n.language)}</span>
                <span className="hint">
                  <StaleWord sinceMs={silentSinceMs} of={`city ${city.id}`}>
                    {about.filter((part) => part !== null).join(" · ")}
                  </StaleWord>
                </span>
              </span>
              {favourites.includes(city.id) && (
                <span className="city-star" role="img" aria-label={t("favourite")}>
                  <Icon name="star" isFilled />
                </span>
              )}
              {city.isInUse && <Badge tone="good">{t("inUse")}</Badge>}
              {city.delayMs !== null && silentSinceMs === undefined && (
                <span className="figures quiet small">{Math.round(city.delayMs)} ms</span>
              )}
            </ListBoxItem>
          );
        })}
      </ListBox>
      {found.length > rowsMax && (
        <Button kind="quiet" size="small" onPress={() => setRowsMax(rowsMax + ROWS_STEP)}>
          {t("showMore")}
        </Button>
      )}
    </div>
  );
}
