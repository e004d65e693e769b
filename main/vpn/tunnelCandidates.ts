/** The routes that the tunnel may take, what it knows of them, and the one in use. */
import type { RouteOutcome } from "./tunnelEngine.ts";
import type { TunnelFault } from "./tunnelErrors.ts";
import { RouteMeasures, type RouteMeasure } from "./tunnelMeasures.ts";
import type { TunnelClock, TunnelSource, TunnelWish } from "./tunnelPorts.ts";
import { orderRoutes, type OrderedRoute } from "./tunnelRoutes.ts";

export class Candidates {
  readonly #source: TunnelSource;
  readonly #clock: TunnelClock;
  readonly #measures = new RouteMeasures();
  /** Codes of routes that were lost in use; tried last. */
  readonly #lost = new Set<string>();
  /** The one that traffic takes. */
  current: OrderedRoute | undefined;

  constructor(source: TunnelSource, clock: TunnelClock) {
    this.#source = source;
    this.#clock = clock;
  }

  /** In the order of an attempt. Never empty: throws `unknown-city`, `city-without-vpn`, `no-entries`. */
  order({ city: chosen, strict }: Pick<TunnelWish, "city" | "strict">): readonly OrderedRoute[] {
    const network = this.#source.read();
    const routes = orderRoutes({ network, measures: this.#measures, chosen, strict, current: this.current?.code });
    return [
      ...routes.filter(({ code }) => !this.#lost.has(code)),
      ...routes.filter(({ code }) => this.#lost.has(code)),
    ];
  }

  orderOrNone(wish: TunnelWish | undefined): readonly OrderedRoute[] {
    try {
      return wish === undefined ? [] : this.order(wish);
    } catch {
      return [];
    }
  }

  measureOf(code: string): RouteMeasure | undefined {
    return this.#measures.of(code);
  }

  /** By the routes' codes. */
  get measures(): ReadonlyMap<string, RouteMeasure> {
    return new Map(
      this.#source.read().routes.flatMap(({ code }) => {
        const measure = this.#measures.of(code);
        return measure === undefined ? [] : [[code, measure]];
      }),
    );
  }

  /** Gives why the route failed, where it did and something is known. */
  record(route: OrderedRoute, outcome: RouteOutcome): TunnelFault | undefined {
    this.#measures.record(route.code, outcome, outcome.fault, Math.floor(this.#clock.unixMs() / 1_000));
    return outcome.fault === undefined ? undefined : { code: outcome.fault, params: { city: route.city } };
  }

  /** Forgets what was measured of routes that are none any more. */
  dropGone(): void {
    this.#measures.keepOnly(new Set(this.#source.read().routes.map(({ code }) => code)));
  }

  /** On another network everything may be different. */
  forgetMeasures(): void {
    this.#measures.clear();
  }

  lose({ code }: OrderedRoute): void {
    this.#lost.add(code);
  }

  isLost({ code }: OrderedRoute): boolean {
    return this.#lost.has(code);
  }

  forgiveAll(): void {
    this.#lost.clear();
  }

  /** Those of the given that work again. */
  forgiveHealthy(routes: readonly OrderedRoute[]): void {
    for (const { code } of routes) if (this.#measures.of(code)?.rank === 0) this.#lost.delete(code);
  }

  /** Traffic goes this way from now on. */
  take(route: OrderedRoute): void {
    this.current = route;
    this.#lost.delete(route.code);
    this.#source.onVerified(route);
  }
}
