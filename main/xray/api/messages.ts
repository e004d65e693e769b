/** The engine's interface as bytes: gRPC frames with hand-written protobuf messages (chapter 08 §3.11). */
import { isExitTag } from "../config/clientConfig.ts";
import { engineError } from "../errors.ts";

/** A call: where it goes and its length-prefixed message. */
export interface ApiCall {
  readonly path: string;
  readonly frame: Uint8Array;
}

const STATS = "/xray.app.stats.command.StatsService";
const ROUTING = "/xray.app.router.command.RoutingService";
const FRAME_HEADER_BYTES = 5;
/** Counters of an engine with hundreds of exits take a fraction of this. Bytes. */
export const FRAME_MAX = 1_048_576;

const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;
const VARINT_BYTES_MAX = 10;

/** All counters whose name contains `pattern`; with `reset` they begin anew. */
export function queryStats(pattern: string, reset = false): ApiCall {
  return { path: `${STATS}/QueryStats`, frame: frameOf([...textField(1, pattern), ...boolField(2, reset)]) };
}

/** One counter by name. An unknown one is refused with status 5. */
export function getStats(name: string, reset = false): ApiCall {
  return { path: `${STATS}/GetStats`, frame: frameOf([...textField(1, name), ...boolField(2, reset)]) };
}

/** Sends new connections of a balancer to `outbound`; the empty one clears that. An unknown balancer is refused with status 2. */
export function overrideBalancerTarget(balancer: string, outbound: string): ApiCall {
  const message = [...textField(1, balancer), ...textField(2, outbound)];
  return { path: `${ROUTING}/OverrideBalancerTarget`, frame: frameOf(message) };
}

/** Counters by name, of the answer to `queryStats` or `getStats`. Throws `bad-api-response`. */
export function decodeCounters(frame: Uint8Array): ReadonlyMap<string, bigint> {
  const counters = new Map<string, bigint>();
  for (const field of fieldsOf(messageOf(frame))) {
    if (field.number !== 1 || field.bytes === undefined) continue;
    let name = "";
    let value = 0n;
    for (const { number, bytes, varint } of fieldsOf(field.bytes)) {
      if (number === 1 && bytes !== undefined) name = new TextDecoder().decode(bytes);
      if (number === 2 && varint !== undefined) value = varint;
    }
    counters.set(name, value);
  }
  return counters;
}

export interface Traffic {
  /** Bytes, overhead of the tunnel included. */
  readonly uplink: bigint;
  readonly downlink: bigint;
}

/** What all exits together carried (§10.8). */
export function tunnelTraffic(counters: ReadonlyMap<string, bigint>): Traffic {
  let uplink = 0n;
  let downlink = 0n;
  for (const [name, value] of counters) {
    const [kind, tag = "", , direction] = name.split(">>>");
    if (kind !== "outbound" || !isExitTag(tag)) continue;
    if (direction === "uplink") uplink += value;
    if (direction === "downlink") downlink += value;
  }
  return { uplink, downlink };
}

function frameOf(message: readonly number[]): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + message.length);
  new DataView(frame.buffer).setUint32(1, message.length);
  frame.set(message, FRAME_HEADER_BYTES);
  return frame;
}

/** The message of an answer that is one whole, uncompressed frame. */
function messageOf(frame: Uint8Array): Uint8Array {
  const isWhole =
    frame.length >= FRAME_HEADER_BYTES &&
    frame.length <= FRAME_MAX &&
    frame[0] === 0 &&
    new DataView(frame.buffer, frame.byteOffset).getUint32(1) === frame.length - FRAME_HEADER_BYTES;
  if (!isWhole) throw engineError("bad-api-response");
  return frame.subarray(FRAME_HEADER_BYTES);
}

/** Default values are left out, as protobuf does. */
function textField(number: number, text: string): number[] {
  const bytes = new TextEncoder().encode(text);
  return bytes.length === 0 ? [] : [(number << 3) | WIRE_BYTES, ...varint(bytes.length), ...bytes];
}

const boolField = (number: number, value: boolean): number[] => (value ? [(number << 3) | WIRE_VARINT, 1] : []);

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}

interface Field {
  readonly number: number;
  readonly bytes?: Uint8Array;
  readonly varint?: bigint;
}

function* fieldsOf(message: Uint8Array): Generator<Field> {
  let at = 0;
  const readVarint = (): bigint => {
    let value = 0n;
    for (let i = 0; i < VARINT_BYTES_MAX; i++) {
      const byte = message[at++];
      if (byte === undefined) break;
      value |= BigInt(byte & 127) << BigInt(7 * i);
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw engineError("bad-api-response");
  };
  const take = (length: number): Uint8Array => {
    if (length > message.length - at) throw engineError("bad-api-response");
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const key = readVarint();
    const number = Number(key >> 3n);
    switch (Number(key & 7n)) {
      case WIRE_VARINT:
        yield { number, varint: readVarint() };
        break;
      case WIRE_BYTES:
        yield { number, bytes: take(Number(readVarint())) };
        break;
      case WIRE_FIXED64:
        yield { number, bytes: take(8) };
        break;
      case WIRE_FIXED32:
        yield { number, bytes: take(4) };
        break;
      default:
        throw engineError("bad-api-response");
    }
  }
}
