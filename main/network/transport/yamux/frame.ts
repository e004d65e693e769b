/** The header of a Yamux frame (chapter 06 §3.4). */
import { ProtocolError } from "../../../protocol/errors.ts";

export const HEADER_SIZE = 12;

export const TYPE = { data: 0, windowUpdate: 1, ping: 2, goAway: 3 } as const;
export type FrameType = (typeof TYPE)[keyof typeof TYPE];

export const FLAG = { syn: 1, ack: 2, fin: 4, rst: 8 } as const;

export const GO_AWAY = { normal: 0, protocolError: 1, internalError: 2 } as const;

/** The longest body that is not a reason to close at once. */
const BODY_MAX = 1_048_576;

export interface FrameHeader {
  readonly type: FrameType;
  /** Of {@link FLAG}; others are ignored. */
  readonly flags: number;
  /** 0 for the whole session. */
  readonly stream: number;
  /** Bytes of body, of credit, a ping's value or a reason for going away. */
  readonly length: number;
}

export function encodeHeader({ type, flags, stream, length }: FrameHeader): Uint8Array {
  const bytes = new Uint8Array(HEADER_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint8(1, type);
  view.setUint16(2, flags);
  view.setUint32(4, stream);
  view.setUint32(8, length);
  return bytes;
}

/** `bytes` is 12 long. Throws `ProtocolError("yamux-violation")` for what closes a connection without GoAway. */
export function decodeHeader(bytes: Uint8Array): FrameHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_SIZE);
  const version = view.getUint8(0);
  if (version !== 0) throw new ProtocolError("yamux-violation", { version });
  const type = view.getUint8(1);
  if (!isFrameType(type)) throw new ProtocolError("yamux-violation", { type });
  const length = view.getUint32(8);
  if (type === TYPE.data && length > BODY_MAX) throw new ProtocolError("yamux-violation", { length });
  return { type, flags: view.getUint16(2), stream: view.getUint32(4), length };
}

const isFrameType = (type: number): type is FrameType => type <= TYPE.goAway;
