/** How often which part of the directory was asked for, and what the answer was: of who asked, nothing is kept. */
import { PUBLIC_PATHS } from "../aggregator/publicFiles.ts";
import { PAGE_FILES } from "../explorer/pageFiles.ts";

export type Route = "sub" | "city" | "cities" | "network" | "health" | "explorer" | "page" | "other";

export interface RequestCount {
  readonly route: Route;
  readonly status: number;
  readonly count: number;
}

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  [PUBLIC_PATHS.subscription, "sub"],
  [PUBLIC_PATHS.cities, "cities"],
  [PUBLIC_PATHS.network, "network"],
  [PUBLIC_PATHS.health, "health"],
  [PUBLIC_PATHS.explorer, "explorer"],
  ...PAGE_FILES.flatMap(({ paths }) => paths.map((path): [string, Route] => [path, "page"])),
]);
const CITY = `${PUBLIC_PATHS.cityDirectory}/`;

export class RequestCounts {
  readonly #counts = new Map<Route, Map<number, number>>();

  /** Of a path as it was asked for, with its query. */
  add(path: string, status: number): void {
    const route = routeOf(path);
    const statuses = this.#counts.get(route) ?? new Map<number, number>();
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    this.#counts.set(route, statuses);
  }

  list(): readonly RequestCount[] {
    return Array.from(this.#counts, ([route, statuses]) =>
      Array.from(statuses, ([status, count]) => ({ route, status, count })),
    ).flat();
  }
}

function routeOf(path: string): Route {
  const query = path.indexOf("?");
  const bare = query < 0 ? path : path.slice(0, query);
  return ROUTES.get(bare) ?? (bare.startsWith(CITY) ? "city" : "other");
}
