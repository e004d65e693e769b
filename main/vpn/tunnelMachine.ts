/** What the tunnel changes of the machine to lead programs in: nothing, the system's proxy, or everything. */
import { isIP } from "node:net";

import type { TunParameters } from "../xray/config/clientConfig.ts";
import type { EngineLauncher } from "../xray/engineProcess.ts";
import { tunnelError } from "./tunnelErrors.ts";
import type { ProxyEndpoint, Route, SystemProxy, TunnelMode, TunnelWish, WholeDevice } from "./tunnelPorts.ts";

export interface MachineOptions {
  /** Of mode `proxy`; undefined where the system has no such thing. */
  readonly systemProxy: SystemProxy | undefined;
  /** Of mode `device`, likewise. */
  readonly wholeDevice?: WholeDevice | undefined;
  /** Resolvers of mode `device`, which are asked through the tunnel; never the machine's own. */
  readonly resolvers?: readonly string[];
}

/** How the engine is run in mode `device`. */
export interface DeviceEngine {
  readonly launcher: EngineLauncher;
  readonly tun: TunParameters;
}

/** The second where the first cannot be reached from the exit: exits answer plain questions themselves (§3.9). */
const RESOLVERS: readonly string[] = ["https://1.1.1.1/dns-query", "1.1.1.1"];
const DNS_OVER_TLS = "853";
/** Bytes. */
const MTU = 1_500;

export class TunnelMachine {
  readonly #options: MachineOptions;
  /** What is done to the machine, one after the other. */
  #queue: Promise<unknown> = Promise.resolve();
  #isProxySet = false;
  #isDeviceOpen = false;

  constructor(options: MachineOptions) {
    this.#options = options;
  }

  offers(mode: TunnelMode): boolean {
    if (mode === "proxy") return this.#options.systemProxy !== undefined;
    return mode === "local" || this.#options.wholeDevice !== undefined;
  }

  /** Whether anything of mode `device` may be set. */
  get isDeviceOpen(): boolean {
    return this.#isDeviceOpen;
  }

  /** Whether every program's traffic is led into the tunnel. */
  get isDeviceLed(): boolean {
    return this.#options.wholeDevice?.isLed ?? false;
  }

  /** For an engine with these routes in mode `device`: its parameters, and the routes whose addresses could be had. */
  async engineOf<R extends Route>(
    { killSwitch }: Pick<TunnelWish, "killSwitch">,
    routes: readonly R[],
  ): Promise<{ readonly device: DeviceEngine; readonly routes: readonly R[] }> {
    const device = await this.openDevice({ killSwitch });
    const resolved = await device.resolve(routes.map(({ link }) => link.host));
    const reachable = routes.filter(({ link }) => isIP(link.host) !== 0 || resolved.has(link.host));
    if (reachable.length === 0) throw tunnelError("exits-not-resolved");
    const dns = this.#options.resolvers ?? RESOLVERS;
    const tun = {
      name: device.interface,
      mtu: MTU,
      dns,
      loopGuard: { mark: device.mark },
      resolved,
      closedLocally: DNS_OVER_TLS,
    };
    return { device: { launcher: device.launcher, tun }, routes: reachable };
  }

  /** Leads programs in as the mode says, and out of what another mode has led them into. */
  lead({ mode, killSwitch }: Pick<TunnelWish, "mode" | "killSwitch">, proxy: ProxyEndpoint): Promise<void> {
    return this.#inOrder(async () => {
      if (mode === "device") await (await this.openDevice({ killSwitch })).lead({ killSwitch });
      if (mode === "proxy") {
        this.#isProxySet = true;
        await this.#options.systemProxy!.apply(proxy);
      } else await this.#restoreProxy();
    });
  }

  /** Nothing leaves, though no engine runs: of a kill switch in mode `device`. */
  block(): Promise<void> {
    return this.#inOrder(async () => {
      if (!this.isDeviceLed) await (await this.openDevice({ killSwitch: true })).block();
    });
  }

  /** As of {@link WholeDevice}. */
  async pause(seconds: number): Promise<number> {
    return (await this.openDevice({ killSwitch: true })).pause(seconds);
  }

  async unpause(): Promise<void> {
    await (await this.openDevice({ killSwitch: true })).unpause();
  }

  /** Programs go their own way again; the engine may still run. */
  restore(): Promise<void> {
    return this.#inOrder(async () => {
      await this.#restoreProxy();
      if (this.#isDeviceOpen) await this.#options.wholeDevice!.unlead();
    });
  }

  /** After {@link restore} and the engine's end: of mode `device` nothing is left. */
  close(): Promise<void> {
    return this.#inOrder(async () => {
      if (!this.#isDeviceOpen) return;
      await this.#options.wholeDevice!.close();
      this.#isDeviceOpen = false;
    });
  }

  /** Throws why mode `device` cannot be used now. */
  async openDevice({ killSwitch }: Pick<TunnelWish, "killSwitch">): Promise<WholeDevice> {
    const { wholeDevice } = this.#options;
    if (wholeDevice === undefined) throw tunnelError("mode-unavailable", { mode: "device" });
    await wholeDevice.open({ killSwitch });
    this.#isDeviceOpen = true;
    return wholeDevice;
  }

  async #restoreProxy(): Promise<void> {
    if (!this.#isProxySet) return;
    await this.#options.systemProxy!.restore();
    this.#isProxySet = false;
  }

  #inOrder(task: () => Promise<void>): Promise<void> {
    const result = this.#queue.then(task);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}
