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
  /** The newest lines, oldest first, each cut to what is worth reading. */
  recentLines(): readonly string[];
  /** From the next line on; that of the start where it is undefined. */
  setLevel(level: LogLevel | undefined): void;
  /** Writes out what is kept back; for the end of the process. */
  flush(): void;
}

/** Kept for diagnostics. */
const RECENT_LINES_MAX = 500;
const RECENT_LINE_LENGTH_MAX = 4096;

export function createLog(level: LogLevel, destination?: DestinationStream): HostLog {
  const standardError = pino.destination({ dest: 2, sync: false, minLength: 0, maxLength: BUFFER_BYTES_MAX });
  const recent: string[] = [];
  const written: DestinationStream = {
    write(line) {
      recent.push(line.trimEnd().slice(0, RECENT_LINE_LENGTH_MAX));
      if (recent.length > RECENT_LINES_MAX) recent.shift();
      (destination ?? standardError).write(line);
    },
  };
  const isShown = (name: unknown): boolean => logger.level === "debug" && ADDRESSES.includes(String(name));
  const logger: Logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: [...SECRETS, ...ADDRESSES].flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
        censor: (value: unknown, path) => (isShown(path.at(-1)) ? value : "[hidden]"),
      },
      serializers: { err: describeError },
    },
    written,
  );
  return {
    logger,
    recentLines: () => recent,
    setLevel(wanted) {
      logger.level = wanted ?? level;
    },
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
