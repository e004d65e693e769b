import type { TunnelNetwork } from "./tunnelPorts.ts";

/** What the tunnel asks of a city. */
export const cityOf = (
  code: string,
  i: number,
  { exit = code, fronts = [] as readonly string[], frontedBy = [] as readonly string[] } = {},
): TunnelNetwork["cities"][number] => ({
  code,
  node: `node-${i}`,
  vpn: { enabled: true, primary: false, exit, fronts, fronted_by: frontedBy, endpoint: null },
});
