/** Lines over time (uPlot). For who does not see it, `label` says what it shows and the caller says the newest values as text. */
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import uPlot from "uplot";

import "uplot/dist/uPlot.min.css";
import "./ui.css";

export interface Line {
  readonly name: string;
  /** A custom property of theme.css. */
  readonly colour: `--${string}`;
  readonly isFilled?: boolean;
  /** One a point of `times`; null where there is none. */
  readonly values: readonly (number | null)[];
}

export interface ChartProps {
  readonly label: string;
  /** Seconds since 1970, or numbers of windows with `isPlain`. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly height?: number;
  readonly format?: (value: number) => string;
  /** Without axes. */
  readonly isBare?: boolean;
  /** `times` are numbers, not times. */
  readonly isPlain?: boolean;
}

const HEIGHT = 160;
/** Of a chart without values; whole numbers stand along it. */
const EMPTY_MAX = 2;
const AXIS_WIDTH = 78;
const AXIS_HEIGHT = 26;
/** Pixels between two values of the upright axis, at least. */
const AXIS_SPACE = 24;

/** Lines that are seconds apart would all say the same minute. */
const withoutRepeats = (labels: readonly string[]): (string | null)[] =>
  labels.map((label, index) => (label === labels[index - 1] ? null : label));

export function Chart({ label, times, lines, height = HEIGHT, format, isBare = false, isPlain = false }: ChartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const { i18n } = useTranslation();
  const { language } = i18n;
  const data: uPlot.AlignedData = [[...times], ...lines.map(({ values }) => [...values])];
  const newest = useRef(data);
  const formatted = useRef(format);
  useEffect(() => {
    newest.current = data;
    formatted.current = format;
    plot.current?.setData(data);
  });

  const shape = lines.map(({ name, colour, isFilled }) => `${name}|${colour}|${isFilled === true}`).join("\n");
  useEffect(() => {
    const element = frame.current;
    if (element === null) return undefined;
    const draw = (): uPlot => {
      const colourOf = (name: string): string => getComputedStyle(element).getPropertyValue(name).trim();
      const time = new Intl.DateTimeFormat(language, { timeStyle: "short" });
      const axis = {
        stroke: colourOf("--text-quiet"),
        grid: { stroke: colourOf("--line"), width: 1 },
        ticks: { show: false },
      };
      return new uPlot(
        {
          width: element.clientWidth,
          height,
          cursor: { show: false },
          legend: { show: false },
          scales: { x: { time: !isPlain }, y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : EMPTY_MAX] } },
          axes: isBare
            ? [{ show: false }, { show: false }]
            : [
                {
                  ...axis,
                  size: AXIS_HEIGHT,
                  values: (_, splits) =>
                    withoutRepeats(splits.map((value) => (isPlain ? String(value) : time.format(value * 1_000)))),
                },
                {
                  ...axis,
                  size: AXIS_WIDTH,
                  space: AXIS_SPACE,
                  values: (_, splits) => splits.map((value) => formatted.current?.(value) ?? String(value)),
                },
              ],
          series: [
            {},
            ...shape.split("\n").map((text): uPlot.Series => {
              const [name = "", colour = "", isFilled] = text.split("|");
              const stroke = colourOf(colour);
              return {
                label: name,
                stroke,
                width: 2,
                points: { show: false },
                ...(isFilled === "true" ? { fill: `color-mix(in srgb, ${stroke} 16%, transparent)` } : {}),
              };
            }),
          ],
        },
        newest.current,
        element,
      );
    };
    plot.current = draw();
    const again = (): void => {
      plot.current?.destroy();
      plot.current = draw();
    };
    const sizes = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
    sizes.observe(element);
    // Canvas knows no style sheets: another theme means other colours.
    const themes = new MutationObserver(again);
    themes.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => {
      sizes.disconnect();
      themes.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [shape, height, isBare, isPlain, language]);

  return <div ref={frame} className="chart" role="img" aria-label={label} />;
}
