/** Looks whether the tunnel keeps its word, and gives back what a killed program had borrowed. */
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Notice, Output } from "../../../main/api/contract.ts";
import { useCall } from "../../store/calls.ts";
import { useIsStale } from "../../store/hostStore.ts";
import { Button } from "../../ui/Button.tsx";
import { Switch } from "../../ui/fields.tsx";
import { formatNumber } from "../../ui/format.ts";
import { Failure, useExplain } from "../../ui/notices.tsx";
import { Age, Badge, Card, type Tone } from "../../ui/show.tsx";
import { Table } from "../../ui/Table.tsx";
import { useQueryOf } from "../../store/queries.ts";
import { placeOf } from "../map/cities.ts";
import { Done } from "./Section.tsx";

export function Checks() {
  return (
    <>
      <Leaks />
      <Routes />
      <Repair />
    </>
  );
}

interface Made<T> {
  readonly atMs: number;
  readonly value: T;
}

const RESULT_TONES = { ok: "good", leak: "danger", unknown: "plain" } as const satisfies Record<string, Tone>;

/** The name of a city by its id. */
function usePlaces(): (id: string) => string {
  const { i18n } = useTranslation();
  const cities = useQueryOf("vpnCities", undefined).value?.cities ?? [];
  return (id) => placeOf(cities, id, i18n.language);
}

/** The same with the names of the cities that it is about. */
function withPlaces({ code, params }: Notice, nameOf: (id: string) => string): Notice {
  const places = Object.entries(params).filter(([name]) => name === "city" || name === "seen");
  return { code, params: { ...params, ...Object.fromEntries(places.map(([name, id]) => [name, nameOf(String(id))])) } };
}

function Leaks() {
  const { t } = useTranslation("settings");
  const explain = useExplain();
  const nameOf = usePlaces();
  const isLost = useIsStale();
  const { run, isRunning, failure } = useCall("vpnLeaks");
  const [made, setMade] = useState<Made<Output<"vpnLeaks">> | null>(null);
  const test = async (): Promise<void> => {
    const value = await run(undefined);
    if (value !== undefined) setMade({ atMs: Date.now(), value });
  };
  return (
    <Card
      title={t("checksLeaks")}
      actions={
        <Button size="small" isDisabled={isLost} isPending={isRunning} onPress={() => void test()}>
          {t(isRunning ? "checksRunning" : "checksLeaksRun")}
        </Button>
      }
    >
      <p className="quiet">{t("checksLeaksHelp")}</p>
      <Failure failure={failure} />
      <Done>
        {made !== null && (
          <div className="stack">
            <p className="quiet small">
              {t("checksMade")} <Age atMs={made.atMs} />
            </p>
            <p>{explain(made.value.covered).sentence}</p>
            <ul className="settings-list">
              {made.value.checks.map(({ what, result, notice }) => {
                const { sentence, remedy } = explain(withPlaces(notice, nameOf));
                return (
                  <li key={what}>
                    <div className="spread">
                      <h3>{t(`checksWhat-${what}`)}</h3>
                      <Badge tone={RESULT_TONES[result]}>{t(`checksResult-${result}`)}</Badge>
                    </div>
                    <p className="quiet">{sentence}</p>
                    {result === "leak" && <p>{remedy}</p>}
                  </li>
                );
              })}
            </ul>
          </div>
        )}
      </Done>
    </Card>
  );
}

function Routes() {
  const { t } = useTranslation("settings");
  const isLost = useIsStale();
  const { run, isRunning, failure, cancel } = useCall("vpnTest");
  const [made, setMade] = useState<Made<Output<"vpnTest">> | null>(null);
  const test = async (): Promise<void> => {
    const value = await run({});
    if (value !== undefined) setMade({ atMs: Date.now(), value });
  };
  return (
    <Card
      title={t("checksRoutes")}
      actions={
        <span className="row">
          <Button size="small" isDisabled={isLost} isPending={isRunning} onPress={() => void test()}>
            {t(isRunning ? "checksRunning" : "checksRoutesRun")}
          </Button>
          {isRunning && (
            <Button size="small" onPress={cancel}>
              {t("cancel", { ns: "app" })}
            </Button>
          )}
        </span>
      }
    >
      <p className="quiet">{t("checksRoutesHelp")}</p>
      <Failure failure={failure} />
      {made !== null && <Tested made={made} />}
    </Card>
  );
}

function Tested({ made: { atMs, value } }: { made: Made<Output<"vpnTest">> }) {
  const { t, i18n } = useTranslation("settings");
  const explain = useExplain();
  const nameOf = usePlaces();
  const milliseconds = (ms: number | null): string =>
    ms === null ? "–" : t("millisecondsShort", { ns: "app", value: formatNumber(ms, i18n.language) });
  const { routes } = value;
  const working = routes.filter(({ isOk }) => isOk).length;
  return (
    <>
      <Done>
        {routes.length === 0 ? (
          <p>{t("checksRoutesNone")}</p>
        ) : (
          <p>
            {t("checksRoutesSummary", { ok: working, all: routes.length })}{" "}
            <span className="quiet small">
              {t("checksMade")} <Age atMs={atMs} />
            </span>
          </p>
        )}
      </Done>
      {routes.length > 0 && (
        <Table
          label={t("checksRoutes")}
          rows={routes.map((route, index) => ({ ...route, index }))}
          keyOf={({ index }) => String(index)}
          columns={[
            { id: "city", name: t("checksCity"), cell: ({ city }) => nameOf(city) },
            {
              id: "result",
              name: t("checksResult"),
              cell: ({ isOk, fault }) =>
                isOk ? (
                  <Badge tone="good">{t("checksWorks")}</Badge>
                ) : (
                  <span className="settings-wrong">{fault === null ? t("checksFails") : explain(fault).sentence}</span>
                ),
            },
            {
              ...{ id: "connect", name: t("checksConnectTime"), isNumber: true },
              cell: ({ connectMs }) => milliseconds(connectMs),
            },
            {
              ...{ id: "delay", name: t("checksDelay"), isNumber: true },
              cell: ({ delayMs }) => milliseconds(delayMs),
            },
          ]}
        />
      )}
    </>
  );
}

function Repair() {
  const { t } = useTranslation("settings");
  const isLost = useIsStale();
  const { run, isRunning, failure } = useCall("vpnRepair");
  const [forgets, setForgets] = useState(false);
  const [repaired, setRepaired] = useState<Output<"vpnRepair"> | null>(null);
  const repair = async (): Promise<void> => {
    setRepaired(null);
    setRepaired((await run({ setsAsideJournal: forgets })) ?? null);
  };
  return (
    <Card
      title={t("checksRepair")}
      actions={
        <Button size="small" isDisabled={isLost} isPending={isRunning} onPress={() => void repair()}>
          {t(isRunning ? "checksRepairRunning" : "checksRepairRun")}
        </Button>
      }
    >
      <p className="quiet">{t("checksRepairHelp")}</p>
      <Switch isSelected={forgets} isDisabled={isLost} hint={t("checksForgetHelp")} onChange={setForgets}>
        {t("checksForget")}
      </Switch>
      <Failure failure={failure} />
      <Done>
        {repaired !== null && (
          <ul className="settings-lines">
            <li>{t(`checksProxy-${repaired.proxy}`)}</li>
            <li>{t(`checksEngine-${repaired.engine}`)}</li>
            <li>{t(`checksDevice-${repaired.device}`)}</li>
            {repaired.kept.length > 0 && <li>{t("checksKept", { names: repaired.kept.join(", ") })}</li>}
            {repaired.setAside !== null && <li>{t("checksSetAside")}</li>}
          </ul>
        )}
      </Done>
    </Card>
  );
}
