/**
 * Where the engine answers its supervisor (chapter 08 §3.10). The interface knows no passwords: a socket that only its owner
 * may open where the system has such, else a loopback port with nothing on it but figures.
 */
import { engineError } from "../errors.ts";
import type { EngineConfig, Inbound, Rule } from "./engineConfig.ts";

export type ApiEndpoint = { readonly socket: string } | { readonly port: number };

const API = "api";
/** What `sockaddr_un` holds on macOS, the smallest, less the terminating zero. Bytes. */
export const SOCKET_PATH_MAX = 103;

/** The parts of a configuration that open the interface. The inbound comes last of all, the rule first. */
export interface ApiParts {
  readonly api: NonNullable<EngineConfig["api"]>;
  readonly inbounds: readonly Inbound[];
  readonly rules: readonly Rule[];
}

export function apiParts(endpoint: ApiEndpoint, services: readonly string[]): ApiParts {
  if ("port" in endpoint) {
    // Any local user can speak to a port.
    const harmless = services.filter((service) => service === "StatsService");
    return { api: { tag: API, listen: `127.0.0.1:${endpoint.port}`, services: harmless }, inbounds: [], rules: [] };
  }
  const inbound: Inbound = {
    tag: "api-in",
    listen: ownerOnly(endpoint.socket),
    protocol: "dokodemo-door",
    // Without "unix" no socket appears, and nothing says so.
    settings: { address: "127.0.0.1", port: 1, network: "tcp,unix" },
  };
  return {
    api: { tag: API, services },
    inbounds: [inbound],
    rules: [{ type: "field", inboundTag: [inbound.tag], outboundTag: API }],
  };
}

/** The engine's notation of a socket of mode 0600. Throws `bad-socket-path`: a comma ends the path in it. */
export function ownerOnly(socket: string): string {
  if (!socket.startsWith("/") || socket.includes(",") || new TextEncoder().encode(socket).length > SOCKET_PATH_MAX) {
    throw engineError("bad-socket-path", { path: socket });
  }
  return `${socket},0600`;
}

/** Where an engine with this configuration answers; undefined where it does not. */
export function apiEndpointOf({ api, inbounds }: EngineConfig): ApiEndpoint | undefined {
  if (api?.listen !== undefined) return { port: Number(api.listen.slice(api.listen.lastIndexOf(":") + 1)) };
  const listen = inbounds.find(({ tag }) => tag === "api-in")?.listen;
  return listen === undefined ? undefined : { socket: listen.slice(0, listen.lastIndexOf(",")) };
}
