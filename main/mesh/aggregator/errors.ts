/** What can stop an aggregator or its server, by code. A single node never does. */
import { ProtocolError, type ErrorParams } from "../../protocol/errors.ts";

export type MeshErrorCode =
  /** `file`, `reason`, and `at` where a field is wrong. */
  | "mesh-settings-invalid"
  /** `file`, `reason` (chapter 08 §5) and `at`. */
  | "mesh-cities-invalid"
  /** `file`, `errno`. */
  | "file-unreadable"
  | "file-unwritable"
  /** A file of the aggregator's own is not what it wrote: `file`. */
  | "mesh-state-damaged"
  /** No `ssh` or `ssh-keygen` could be started: `program`, `errno`. */
  | "mesh-program-missing"
  /** `program`, `reason`. */
  | "mesh-program-failed"
  /** A private key that others may read: `file`, `mode`. */
  | "mesh-key-exposed"
  /** The canonical exit gave nothing that could be used: `node`, `reason`. */
  | "mesh-exit-unusable"
  /** Certificate and key cannot be used: `file`, `reason`. */
  | "mesh-certificate-invalid"
  /** Plain HTTP may be offered to this machine alone: `address`. */
  | "mesh-tls-needed"
  /** `address`, `errno`. */
  | "mesh-listen-failed"
  /** `reason`. */
  | "mesh-acme-failed";

export const meshError = (code: MeshErrorCode, params: ErrorParams): ProtocolError<MeshErrorCode> =>
  new ProtocolError(code, params);

export const errnoOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? "unknown";
