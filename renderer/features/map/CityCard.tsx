/** What is known of one city, and how old that is. */
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

import { useCall } from "../../store/calls.ts";
import { useSilentNodes } from "../../store/silence.ts";
import { usePreferences, useSetPreferences } from "../../store/preferences.ts";
import { Button } from "../../ui/Button.tsx";
import { formatNumber } from "../../ui/format.ts";
import { Icon } from "../../ui/Icon.tsx";
import { Failure, Notice } from "../../ui/notices.tsx";
import { Age, Badge, Facts, StaleWord } from "../../ui/show.tsx";
import { healthOf, nameOf, placeOf, countryNames, type City } from "./cities.ts";
import { HEALTH_NAMES } from "./CityList.tsx";
import { HealthSign } from "./HealthSign.tsx";

const PHASE_NAMES = {
  Bootstrap: "phaseBootstrap",
  CandidateVdf: "phaseCandidateVdf",
  Registered: "phaseRegistered",
  Active: "phaseActive",
} as const;
const isKnownPhase = (phase: string): phase is keyof typeof PHASE_NAMES => Object.hasOwn(PHASE_NAMES, phase);

export function CityCard({ city, cities, onClose }: { city: City; cities: readonly City[]; onClose: () => void }) {
  const { t, i18n } = useTranslation("map");
  const { t: tApp } = useTranslation("app");
  const place = nameOf(city, i18n.language);
  const test = useCall("vpnTest");
  const health = healthOf(city);
  const card = useRef<HTMLElement>(null);
  useEffect(() => {
    // In braces: newer browsers give a promise, which is no way to end an effect.
    card.current?.scrollIntoView({ block: "nearest" });
  }, [city.id]);
  const phase = city.nodePhase;
  const nodeSilentMs = useSilentNodes().get(city.id);
  const { silentSinceMs } = city;
  const delayMs = city.delayMs === null ? null : formatNumber(city.delayMs, i18n.language);
  return (
    <section ref={card} className="city-card" data-city={city.id} aria-label={t("cardAbout", { place })}>
      <div className="city-card-head">
        <div>
          <h2>{place}</h2>
          {city.country !== null && <p className="quiet small">{countryNames(i18n.language)(city.country)}</p>}
        </div>
        <div className="row">
          <Favourite id={city.id} place={place} />
          <Button kind="quiet" size="small" aria-label={t("cardClose", { place })} onPress={onClose}>
            <Icon name="close" />
          </Button>
        </div>
      </div>
      {city.isInUse && <Badge tone="good">{t("here")}</Badge>}
      {!city.hasVpn && <p className="quiet">{t("noVpn")}</p>}
      {city.hasVpn && city.routes === 0 && city.heldRoutes === 0 && <p className="quiet">{t("noWays")}</p>}
      <Facts
        facts={[
          [
            t("health"),
            city.health === null ? (
              t("healthUnseen")
            ) : (
              <StaleWord sinceMs={silentSinceMs} of={`health ${city.id}`}>
                <span className="city-health">
                  <HealthSign health={city.health.state} />
                  <span>
                    {t(HEALTH_NAMES[city.health.state])}
                    {city.health.atMs !== null && (
                      <span className="quiet small">
                        {" · "}
                        <Age atMs={city.health.atMs} />
                      </span>
                    )}
                  </span>
                </span>
              </StaleWord>
            ),
          ],
          [
            t("delay"),
            delayMs === null ? (
              t("delayUnmeasured")
            ) : (
              <StaleWord key="delay" sinceMs={silentSinceMs} of={`delay ${city.id}`}>
                {tApp("millisecondsShort", { value: delayMs })}
              </StaleWord>
            ),
          ],
          ...(city.exit !== null && city.exit !== city.id
            ? [[t("leavesIn"), placeOf(cities, city.exit, i18n.language)] as const]
            : []),
          ...(city.hasVpn ? [[t("ways"), formatNumber(city.routes, i18n.language)] as const] : []),
          ...(phase === null
            ? []
            : [
                [
                  t("nodePhase"),
                  <StaleWord key="phase" sinceMs={nodeSilentMs} of={`phase ${city.id}`}>
                    {isKnownPhase(phase) ? t(PHASE_NAMES[phase]) : phase}
                  </StaleWord>,
                ] as const,
              ]),
        ]}
      />
      {city.fault !== null && health === "down" && <Notice notice={city.fault} />}
      <Failure failure={test.failure} />
      {city.hasVpn && (
        <div className="row">
          <Button size="small" isPending={test.isRunning} onPress={() => void test.run({ city: city.id })}>
            {test.isRunning ? t("testing") : t("test")}
          </Button>
          {test.isRunning && (
            <Button size="small" onPress={test.cancel}>
              {tApp("cancel")}
            </Button>
          )}
        </div>
      )}
    </section>
  );
}

function Favourite({ id, place }: { id: string; place: string }) {
  const { t } = useTranslation("map");
  const favourites = usePreferences()?.favourites;
  const setPreferences = useSetPreferences();
  const isFavourite = favourites?.includes(id) === true;
  return (
    <Button
      kind="quiet"
      size="small"
      isDisabled={favourites === undefined}
      aria-label={t(isFavourite ? "favouriteRemove" : "favouriteAdd", { place })}
      onPress={() => {
        const others = (favourites ?? []).filter((other) => other !== id);
        void setPreferences({ favourites: isFavourite ? others : [...others, id] });
      }}
    >
      <Icon name="star" isFilled={isFavourite} />
    </Button>
  );
}
