/** Suites of chapter 08 about the tunnel engine. */
import {
  decodeCounters,
  getStats,
  overrideBalancerTarget,
  queryStats,
  tunnelTraffic,
} from "../../../main/xray/api/messages.ts";
import { clientConfig, type TunParameters } from "../../../main/xray/config/clientConfig.ts";
import { baselineInbound, exitConfig } from "../../../main/xray/config/serverConfig.ts";
import { parseShareLink } from "../../../main/cities/shareLink.ts";
import { diagnoseRunning, diagnoseStart } from "../../../main/xray/failures.ts";
import type { Input, Runner } from "../harness.ts";
import { hex } from "./inputs.ts";

const tunOf = (input: Input): TunParameters => ({
  name: input.tunName,
  mtu: input.mtu,
  dns: input.dns,
  loopGuard: input.os === "linux" ? { mark: input.mark } : { interface: input.interface },
  resolved: new Map(Object.entries(input.resolved ?? {})),
});

export const xrayRunners: Readonly<Record<string, Runner>> = {
  "08-mesh-vpn/xray-client-config": (input) => ({
    config: clientConfig({
      exits: input.exits.map(({ code, url }: Input) => ({ code, link: parseShareLink(url) })),
      selected: input.selected,
      mixedPort: input.ports.mixed,
      api: input.os === "windows" ? { port: input.ports.api } : { socket: input.apiSocket },
      bypass: { domains: input.bypassDomains ?? [], cidrs: input.bypassCidrs ?? [] },
      ...(input.mode === "tun" && { tun: tunOf(input) }),
    }),
  }),

  "08-mesh-vpn/xray-server-config": ({ profile, ...parameters }) =>
    profile === "baseline" ? { inbound: baselineInbound(parameters) } : { config: exitConfig(parameters) },

  "08-mesh-vpn/xray-errors": ({ phase, exit_code, lines, probe }) =>
    phase === "start" ? diagnoseStart(exit_code, lines) : { code: diagnoseRunning(lines, probe) },

  "08-mesh-vpn/engine-api": ({ frame, call, pattern, name, reset, balancer, target }) => {
    switch (call) {
      case "QueryStats":
        return queryStats(pattern, reset);
      case "GetStats":
        return getStats(name, reset);
      case "OverrideBalancerTarget":
        return overrideBalancerTarget(balancer, target);
    }
    const counters = decodeCounters(hex(frame));
    const { uplink, downlink } = tunnelTraffic(counters);
    return { counters: new Map(counters), tunnel_uplink: uplink, tunnel_downlink: downlink };
  },
};
