/** The engine's interface over plain-text HTTP/2 (chapter 08 §3.11). */
import { connect, constants, type ClientHttp2Session, type IncomingHttpHeaders } from "node:http2";
import { connect as connectSocket } from "node:net";

import type { ApiEndpoint } from "../config/apiEndpoint.ts";
import { EXIT_BALANCER, exitTag } from "../config/clientConfig.ts";
import { engineError } from "../errors.ts";
import {
  FRAME_MAX,
  decodeCounters,
  overrideBalancerTarget,
  queryStats,
  tunnelTraffic,
  type ApiCall,
  type Traffic,
} from "./messages.ts";

/** Milliseconds. */
const CALL_TIMEOUT = 5_000;
const GRPC_OK = "0";

/** Every call throws `api-unreachable`, `api-refused` with gRPC's `status`, or `bad-api-response`. */
export class EngineApi {
  readonly #endpoint: ApiEndpoint;
  #session: ClientHttp2Session | undefined;

  constructor(endpoint: ApiEndpoint) {
    this.#endpoint = endpoint;
  }

  /** Counters whose names contain `pattern`; they begin at 0 with every start of the engine. */
  async counters(pattern: string): Promise<ReadonlyMap<string, bigint>> {
    return decodeCounters(await this.#call(queryStats(pattern)));
  }

  /** What all exits of a client together carried since the engine's start. */
  async tunnelTraffic(): Promise<Traffic> {
    return tunnelTraffic(await this.counters(`outbound>>>${exitTag("")}`));
  }

  /** Sends new connections through the exit; open ones stay where they are. Not on Windows: restart with another selection. */
  async selectExit(code: string): Promise<void> {
    await this.overrideBalancer(EXIT_BALANCER, exitTag(code));
  }

  /** Sends new connections that go through the balancer to an outbound; open ones stay where they are. */
  async overrideBalancer(balancer: string, outbound: string): Promise<void> {
    await this.#call(overrideBalancerTarget(balancer, outbound));
  }

  close(): void {
    this.#session?.destroy();
    this.#session = undefined;
  }

  async #call({ path, frame }: ApiCall): Promise<Uint8Array> {
    const session = this.#open();
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(engineError("api-unreachable"));
      const stream = session.request({
        [constants.HTTP2_HEADER_METHOD]: "POST",
        [constants.HTTP2_HEADER_PATH]: path,
        "content-type": "application/grpc",
        te: "trailers",
      });
      const chunks: Buffer[] = [];
      let length = 0;
      let status: unknown;
      stream.setTimeout(CALL_TIMEOUT, () => stream.close(constants.NGHTTP2_CANCEL));
      stream.on("error", fail);
      // An answer without a body has its status in the first headers.
      const takeStatus = (headers: IncomingHttpHeaders): void => void (status = headers["grpc-status"]);
      stream.on("response", takeStatus);
      stream.on("trailers", takeStatus);
      stream.on("data", (chunk: Buffer) => {
        length += chunk.length;
        if (length > FRAME_MAX) stream.close(constants.NGHTTP2_CANCEL);
        else chunks.push(chunk);
      });
      stream.on("close", () => {
        if (length > FRAME_MAX) reject(engineError("bad-api-response"));
        else if (typeof status !== "string") fail();
        else if (status !== GRPC_OK) reject(engineError("api-refused", { status }));
        else resolve(Buffer.concat(chunks));
      });
      stream.end(frame);
    });
  }

  #open(): ClientHttp2Session {
    if (this.#session !== undefined && !this.#session.closed && !this.#session.destroyed) return this.#session;
    const endpoint = this.#endpoint;
    const session = connect("http://engine", {
      createConnection: () =>
        "socket" in endpoint ? connectSocket(endpoint.socket) : connectSocket(endpoint.port, "127.0.0.1"),
    });
    // Calls under way fail by themselves; the next one opens another session.
    session.on("error", () => undefined);
    // Not a reason for the program to go on.
    session.unref();
    this.#session = session;
    return session;
  }
}
