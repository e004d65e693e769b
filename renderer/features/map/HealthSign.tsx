import type { Health } from "./cities.ts";

const SHAPES = {
  up: <circle cx="10" cy="10" r="6" />,
  degraded: <path d="M10 3 17 15H3Z" />,
  down: (
    <>
      <path d="M10 2.5 17.5 10 10 17.5 2.5 10Z" />
      <path d="M6.5 10h7" className="sign-bar" />
    </>
  ),
  unknown: <circle cx="10" cy="10" r="5.5" className="sign-hollow" />,
  expired: <rect x="5" y="5" width="10" height="10" className="sign-hollow" />,
};

/** The same signs as on the map; beside a text that says the same. */
export function HealthSign({ health }: { health: Health }) {
  return (
    <svg className={`sign sign-${health}`} viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      {SHAPES[health]}
    </svg>
  );
}
