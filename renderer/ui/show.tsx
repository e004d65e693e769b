/** Plain things that views are made from. */
import { useEffect, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { ProgressBar as AriaProgressBar, Label } from "react-aria-components";
import encodeQr from "qr";

import { Button } from "./Button.tsx";
import { formatAge, formatAmount } from "./format.ts";
import "./ui.css";

export function Card({ title, actions, children }: { title?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className="card">
      {(title !== undefined || actions !== undefined) && (
        <div className="card-head">
          {title !== undefined && <h2>{title}</h2>}
          {actions}
        </div>
      )}
      {children}
    </section>
  );
}

/** Where there is nothing yet, or nothing can be shown: what that means and what to do. */
export function EmptyState({ title, children, actions }: { title: string; children?: ReactNode; actions?: ReactNode }) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      {children !== undefined && <div className="quiet">{children}</div>}
      {actions !== undefined && <div className="row">{actions}</div>}
    </div>
  );
}

export interface ProgressProps {
  readonly label: string;
  /** From 0 to `max`; null while the whole is not known. */
  readonly value: number | null;
  readonly max?: number;
  /** What stands beside the label instead of a percentage. */
  readonly text?: string;
}

export function ProgressBar({ label, value, max = 1, text }: ProgressProps) {
  const told = text === undefined ? {} : { valueLabel: text };
  return (
    <AriaProgressBar className="progress" value={value ?? 0} maxValue={max} isIndeterminate={value === null} {...told}>
      {({ percentage, valueText }) => (
        <>
          <div className="spread">
            <Label>{label}</Label>
            <span className="figures quiet">{text ?? valueText}</span>
          </div>
          <div className="progress-track">
            <div
              className={value === null ? "progress-fill progress-endless" : "progress-fill"}
              style={{ inlineSize: `${value === null ? 30 : (percentage ?? 0)}%` }}
            />
          </div>
        </>
      )}
    </AriaProgressBar>
  );
}

const AGE_EVERY_MS = 1_000;

/** The time, once a second: for what shows an age. */
export function useNow(everyMs = AGE_EVERY_MS): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return nowMs;
}

/** Whether more than `ms` have passed since; draws anew only when that changes. Never where the time is not known. */
export function useIsOlder(atMs: number | null, ms: number): boolean {
  const [olderThan, setOlderThan] = useState<number | null>(null);
  useEffect(() => {
    if (atMs === null) return undefined;
    const timer = setTimeout(() => setOlderThan(atMs), Math.max(0, atMs + ms - Date.now()));
    return () => clearTimeout(timer);
  }, [atMs, ms]);
  return atMs !== null && olderThan === atMs;
}

/** How old something is, in words: "3 minutes ago". */
export function Age({ atMs }: { atMs: number }) {
  const { i18n } = useTranslation();
  const nowMs = useNow();
  return <time dateTime={new Date(atMs).toISOString()}>{formatAge(atMs, nowMs, i18n.language)}</time>;
}

export interface StaleProps {
  readonly isStale: boolean;
  readonly atMs: number | null;
  /** Names what may not hold, where that is not all of a view. */
  readonly of?: string;
  readonly children?: ReactNode;
}

/** Marks what is shown as how it was at `atMs`, while `isStale`. */
export function Stale({ isStale, atMs, of = "", children }: StaleProps) {
  const { t } = useTranslation("app");
  if (!isStale) return children;
  return (
    <div className="stale" data-stale={of}>
      <span className="badge badge-warning" title={t("staleHint")}>
        {atMs === null ? t("unknown") : <Age atMs={atMs} />}
      </span>
      <div className="stale-content">{children}</div>
    </div>
  );
}

/** The same within a line: the mark follows what it is about. */
export function StaleWord({ sinceMs, of, children }: { sinceMs: number | undefined; of: string; children: ReactNode }) {
  const { t } = useTranslation("app");
  if (sinceMs === undefined) return children;
  return (
    <span className="stale-word" data-stale={of}>
      <span className="stale-content">{children}</span>
      <span className="badge badge-warning" title={t("staleHint")}>
        <Age atMs={sinceMs} />
      </span>
    </span>
  );
}

/** An amount of nɈ as Ɉ, to the last nɈ that is not zero. */
export function Amount({ value, sign = false }: { value: string | null; sign?: boolean }) {
  const { i18n, t } = useTranslation("app");
  if (value === null) return <span className="quiet">{t("unknown")}</span>;
  return (
    <span className="figures amount">
      {formatAmount(value, i18n.language, sign)}
      <span className="amount-unit">{"\u00a0Ɉ"}</span>
    </span>
  );
}

const COPIED_MS = 2_000;

export function Copy({ text, label }: { text: string; label?: string }) {
  const { t } = useTranslation("app");
  const [isCopied, setIsCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return undefined;
    const timer = setTimeout(() => setIsCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);
  return (
    <Button
      size="small"
      onPress={() => {
        void navigator.clipboard.writeText(text).then(() => setIsCopied(true));
      }}
    >
      <span aria-live="polite">{isCopied ? t("copied") : (label ?? t("copy"))}</span>
    </Button>
  );
}

/** Dark on light in both themes: cameras want it so. */
export function Qr({ text, label }: { text: string; label?: string }) {
  const { t } = useTranslation("app");
  const dots = encodeQr(text, "raw", { border: 3 });
  const size = dots.length;
  const path = dots.flatMap((line, y) => line.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : ""))).join("");
  return (
    <svg
      className="qr"
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label={label ?? t("qrLabel")}
      shapeRendering="crispEdges"
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}

/** Names and values, side by side. */
export function Facts({ facts }: { facts: readonly (readonly [name: string, value: ReactNode])[] }) {
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export type Tone = "good" | "warning" | "danger" | "plain";

export function Badge({ tone = "plain", children }: { tone?: Tone; children: ReactNode }) {
  return <span className={`badge badge-${tone}`}>{children}</span>;
}
