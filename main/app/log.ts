/** The host's log: JSON lines for an operator's own tools. */
import pino, { type DestinationStream, type Logger } from "pino";

import { ProtocolError } from "../protocol/errors.ts";

export type { Logger } from "pino";
export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Never in a log, under whatever name somebody puts them there. */
const SECRETS = [
  "passphrase",
  "newPassphrase",
  "phrase",
  "words",
  "entropy",
  "seed",
  "masterSeed",
  "secretKey",
  "token",
];
/** Of peers and of what a person visits: at the level "debug" alone, which the person chooses. */
const ADDRESSES = ["address", "multiaddr", "remote", "host", "url"];
/** Between a reader that does not read and the memory: what is beyond is dropped. */
const BUFFER_BYTES_MAX = 1_048_576;

export interface HostLog {
  readonly logger: Logger;
  /** A line as it is, for monitors that read those of the reference (chapter 06 §3.8); a slow reader keeps nobody waiting. */
  readonly writeLine: (line: string) => void;
  /** Writes out what is kept back; for the end of the process. */
  flush(): void;
}

export function createLog(level: LogLevel, destination?: DestinationStream): HostLog {
  const standardError = pino.destination({ dest: 2, sync: false, minLength: 0, maxLength: BUFFER_BYTES_MAX });
  const hidden = level === "debug" ? SECRETS : [...SECRETS, ...ADDRESSES];
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: hidden.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: "[hidden]" },
      serializers: { err: describeError },
    },
    destination ?? standardError,
  );
  return {
    logger,
    writeLine: (line) => {
      (destination ?? standardError).write(`${line}\n`);
    },
    flush: () => {
      if (destination === undefined) standardError.flushSync();
    },
  };
}

/** What a person can be told by its code, a defect by its stack. */
function describeError(error: unknown): object {
  if (error instanceof ProtocolError) {
    const { code, params } = error as ProtocolError;
    return { code, params };
  }
  return error instanceof Error ? { message: error.message, stack: error.stack } : { message: String(error) };
}
