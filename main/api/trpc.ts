/** What every part of the router is made from: its context, and how errors go over the wire. */
import { initTRPC, type TRPCError } from "@trpc/server";
import { ZodError } from "zod";

import { BODY_BYTES_MAX, type Notice } from "./contract.ts";
import { noticeOf } from "./errors.ts";
import type { EventRing } from "./events.ts";
import type { HostService, Services } from "./services.ts";
import type { Tasks } from "./tasks.ts";

const STREAM_PING_MS = 15_000;

export interface Context {
  readonly host: HostService;
  /** Asked anew by every call: a node comes and goes while the host runs. */
  readonly services: () => Services;
  readonly events: EventRing;
  readonly tasks: Tasks;
  /** Counts the subscribers. */
  readonly streams: { open: number };
  /** Aborted when the host stops: ends the streams. */
  readonly stopping: AbortSignal;
}

export const t = initTRPC.context<Context>().create({
  sse: { ping: { enabled: true, intervalMs: STREAM_PING_MS } },
  errorFormatter: ({ shape, error, path }) => ({
    message: shape.message,
    code: shape.code,
    // Nothing else of the shape, which may hold a stack.
    data: { httpStatus: shape.data.httpStatus, notice: noticeOfTrpc(error, path) },
  }),
});

/** What a client gets to know about an error of any kind. */
function noticeOfTrpc({ code, cause }: TRPCError, procedure: string | undefined): Notice {
  if (code === "BAD_REQUEST" && cause instanceof ZodError) return inputNotice(cause);
  if (code === "PAYLOAD_TOO_LARGE") return { code: "body-too-large", params: { max: BODY_BYTES_MAX } };
  if (code === "NOT_FOUND") return { code: "procedure-unknown", params: { procedure: procedure ?? "" } };
  if (MALFORMED.includes(code)) return { code: "invalid-input", params: UNREADABLE };
  return noticeOf(cause).notice;
}

const MALFORMED: readonly TRPCError["code"][] = [
  "BAD_REQUEST",
  "PARSE_ERROR",
  "METHOD_NOT_SUPPORTED",
  "UNSUPPORTED_MEDIA_TYPE",
];
const UNREADABLE = { field: "request", reason: "is not what this interface takes" };

function inputNotice({ issues }: ZodError): Notice {
  const [issue] = issues;
  const field = issue?.path.map(String).join(".") ?? "";
  return { code: "invalid-input", params: { field: field === "" ? "input" : field, reason: issue?.message ?? "" } };
}
