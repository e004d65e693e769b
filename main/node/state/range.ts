/** What a peer that asks for a range of windows is served, page by page (chapter 07 §3.18). */
import type { Message } from "../../consensus/objects.ts";
import type { Archive } from "../store/archive.ts";
import type { RangeAsked, RangePage } from "./requests.ts";

/** A reply counts its objects in two bytes; this many small ones are enough for one. */
const OBJECTS_MAX = 4096;
const OBJECTS_PER_QUERY = 256;

/** Ends before the first window that is not decided here. */
export function readRange(archive: Archive, { first, last, cursor, bytesMax }: RangeAsked): RangePage {
  const objects: Message[] = [];
  let bytes = 0;
  let next = cursor;
  let place = 0;
  for (let window = first; window <= last; window++) {
    const [header] = archive.headerBytes(window, 1);
    if (header === undefined) break;
    const count = 1 + archive.objectCount(window);
    if (next < place + count) {
      for (const message of objectsOf(archive, window, header, next - place)) {
        const isFull = bytes + message.payload.length > bytesMax || objects.length >= OBJECTS_MAX;
        if (isFull && objects.length > 0) return { objects, nextCursor: next, more: true };
        objects.push(message);
        bytes += message.payload.length;
        next++;
      }
    }
    place += count;
  }
  return { objects, nextCursor: next, more: false };
}

function* objectsOf(archive: Archive, window: bigint, header: Uint8Array, from: number): Generator<Message> {
  if (from === 0) yield { type: "header", payload: header };
  for (let at = Math.max(0, from - 1); ; at += OBJECTS_PER_QUERY) {
    const page = archive.objects(window, at, OBJECTS_PER_QUERY);
    for (const { kind, bytes } of page) yield { type: kind, payload: bytes };
    if (page.length < OBJECTS_PER_QUERY) return;
  }
}
