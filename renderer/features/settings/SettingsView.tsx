/** What can be set, in sections; which one is open stands in the address, so that others can lead there. */
import { useEffect, useRef, type ComponentType } from "react";
import { useTranslation } from "react-i18next";

import { usePlace } from "../../store/place.ts";
import { About } from "./About.tsx";
import { Checks } from "./Checks.tsx";
import { Diagnostics } from "./Diagnostics.tsx";
import { Look } from "./Look.tsx";
import { Networks } from "./Networks.tsx";
import { NodeSettings } from "./NodeSettings.tsx";
import { Subscriptions } from "./Subscriptions.tsx";
import { TunnelSettings } from "./TunnelSettings.tsx";
import "./settings.css";

const SECTIONS = {
  subscriptions: Subscriptions,
  tunnel: TunnelSettings,
  network: Networks,
  node: NodeSettings,
  look: Look,
  checks: Checks,
  diagnostics: Diagnostics,
  about: About,
} satisfies Record<string, ComponentType>;
type Section = keyof typeof SECTIONS;

const NAMES = Object.keys(SECTIONS) as readonly Section[];

export function SettingsView() {
  const { t } = useTranslation("settings");
  const [, asked] = usePlace().split("/");
  const section = NAMES.find((name) => name === asked) ?? "subscriptions";
  const Current = SECTIONS[section];
  const current = useRef<HTMLAnchorElement>(null);
  useEffect(() => {
    // Where the window is narrow, names stand in one row that scrolls.
    current.current?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [section]);
  return (
    <div className="view settings">
      <h1>{t("title")}</h1>
      <div className="settings-sections">
        <nav className="settings-nav" aria-label={t("title")}>
          <ul>
            {NAMES.map((name) => (
              <li key={name}>
                <a
                  ref={name === section ? current : undefined}
                  href={`#/settings/${name}`}
                  aria-current={name === section ? "true" : undefined}
                >
                  {t(`section-${name}`)}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <div className="settings-section" data-section={section}>
          <Current />
        </div>
      </div>
    </div>
  );
}
