/** The frame: where one is, whether the host is there, what it wants known, and the view. */
import { Suspense, useEffect, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { I18nProvider } from "react-aria-components";

import type { Notice as NoticeValue } from "../main/api/contract.ts";
import { LinkDialog } from "./features/links/LinkDialog.tsx";
import { useHost } from "./store/hostStore.ts";
import { usePlace } from "./store/place.ts";
import { usePreferences } from "./store/preferences.ts";
import { languageOf } from "./languages/languages.ts";
import { Button } from "./ui/Button.tsx";
import { ErrorBoundary } from "./ui/ErrorBoundary.tsx";
import { Icon } from "./ui/Icon.tsx";
import { Toasts, useExplain } from "./ui/notices.tsx";
import { EmptyState, useNow } from "./ui/show.tsx";
import { formatAge } from "./ui/format.ts";
import { useIsStill, useLook, useTheme } from "./ui/theme.ts";
import { views, VIEWS, type ViewName } from "./views.tsx";
import "./App.css";

const NAMES = {
  map: "navMap",
  join: "navJoin",
  wallet: "navWallet",
  network: "navNetwork",
  settings: "navSettings",
} as const satisfies Record<ViewName, string>;

const isView = (name: string): name is ViewName => (VIEWS as readonly string[]).includes(name);

export function App() {
  const { t, i18n } = useTranslation("app");
  const preferences = usePreferences();
  useLook(useTheme(preferences), useIsStill(preferences));
  const language = languageOf(preferences?.language ?? null);
  useEffect(() => {
    if (i18n.language !== language) void i18n.changeLanguage(language);
    document.documentElement.lang = language;
    document.documentElement.dir = i18n.dir(language);
  }, [i18n, language]);

  const place = usePlace().split("/")[0] ?? "";
  const name = isView(place) ? place : "map";
  useEffect(() => {
    document.title = `${t(NAMES[name])} · ${t("title")}`;
  }, [t, name]);
  const View = views[name];
  const over = useHost((host) => host.over);
  return (
    <I18nProvider locale={i18n.language}>
      <div className="frame">
        <a className="skip" href="#content" onClick={skip}>
          {t("skipToContent")}
        </a>
        <Navigation current={name} />
        <div className="stage">
          {over === null && <LinkBanner />}
          <main id="content" className="content" tabIndex={-1}>
            <ErrorBoundary key={name} instead={(again) => <ViewFailed onAgain={again} />}>
              <Suspense fallback={<Loading />}>{over === null ? <View /> : <Over reason={over} />}</Suspense>
            </ErrorBoundary>
          </main>
        </div>
        <Toasts />
        {over === null && <LinkDialog />}
      </div>
    </I18nProvider>
  );
}

/** The address behind the # names the view, so that the link cannot. */
function skip(event: { preventDefault: () => void }): void {
  event.preventDefault();
  document.getElementById("content")?.focus();
}

function Navigation({ current }: { current: ViewName }) {
  const { t } = useTranslation("app");
  return (
    <nav className="navigation" aria-label={t("navigation")}>
      <ul>
        {VIEWS.map((name) => (
          <li key={name}>
            <a href={`#/${name}`} aria-current={name === current ? "page" : undefined}>
              <Icon name={name} />
              <span>{t(NAMES[name])}</span>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** Says when what is shown may no longer hold. */
function LinkBanner() {
  const { t } = useTranslation("app");
  const link = useHost((host) => host.link);
  return (
    <div role="status" className="link" data-link={link}>
      {link === "connecting" && <p>{t("linkConnecting")}</p>}
      {link === "lost" && <LostLink />}
    </div>
  );
}

function LostLink(): ReactNode {
  const { t, i18n } = useTranslation("app");
  const nowMs = useNow();
  const lostAtMs = useHost((host) => (host.status === null ? null : host.lostAtMs));
  return (
    <p>
      {lostAtMs === null ? t("linkLostUnheard") : t("linkLost", { age: formatAge(lostAtMs, nowMs, i18n.language) })}
    </p>
  );
}

/** This tab may not use the host: nothing here would ever come true. */
function Over({ reason }: { reason: NoticeValue }) {
  const { sentence, remedy } = useExplain()(reason);
  return (
    <div className="view">
      <EmptyState title={sentence}>{remedy}</EmptyState>
    </div>
  );
}

function ViewFailed({ onAgain }: { onAgain: () => void }) {
  const { t } = useTranslation("app");
  return (
    <div className="view">
      <EmptyState title={t("viewFailed")} actions={<Button onPress={onAgain}>{t("openAgain")}</Button>}>
        {t("viewFailedRemedy")}
      </EmptyState>
    </div>
  );
}

function Loading() {
  const { t } = useTranslation("app");
  return (
    <div className="view">
      <p className="quiet">{t("loading")}</p>
    </div>
  );
}
