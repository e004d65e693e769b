/** Where the window was, for the next start, as far as a screen is still there. */
import { z } from "zod";

import { readSealed, writeSealed } from "../../files/sealedFile.ts";

const FILE_BYTES_MAX = 4096;
const SIZE_MAX = 16_384;
/** The smallest window that the page is made for. */
export const SIZE_MIN = { width: 380, height: 480 };
const SIZE_FIRST = { width: 1180, height: 780 };
/** So much of a window must be on a screen for a person to find it. */
const SEEN_MIN = { width: 120, height: 60 };

const place = z
  .int()
  .min(-SIZE_MAX * 4)
  .max(SIZE_MAX * 4);
const size = z.int().min(1).max(SIZE_MAX);
const rectangle = z.object({ x: place, y: place, width: size, height: size });
const stored = z.object({ bounds: rectangle, isMaximized: z.boolean() });

export type Rectangle = z.output<typeof rectangle>;
export type WindowState = z.output<typeof stored>;
/** Without a place the system chooses one. */
export interface Placement {
  readonly bounds: Pick<Rectangle, "width" | "height"> & Partial<Pick<Rectangle, "x" | "y">>;
  readonly isMaximized: boolean;
}

/** Undefined where nothing (readable) was kept. */
export function readWindowState(file: string): WindowState | undefined {
  const found = readSealed(file, FILE_BYTES_MAX, (value) => stored.parse(value));
  return found.kind === "value" ? found.value : undefined;
}

export function writeWindowState(file: string, { bounds, isMaximized }: WindowState): void {
  const { x, y, width, height } = bounds;
  writeSealed(file, { bounds: { x, y, width, height }, isMaximized } satisfies WindowState);
}

/** `screens`: the parts of the screens that windows may cover. */
export function placeWindow(state: WindowState | undefined, screens: readonly Rectangle[]): Placement {
  if (state === undefined) return { bounds: SIZE_FIRST, isMaximized: false };
  const { bounds, isMaximized } = state;
  const width = Math.max(SIZE_MIN.width, bounds.width);
  const height = Math.max(SIZE_MIN.height, bounds.height);
  const isSeen = screens.some(
    (screen) =>
      overlap(bounds.x, width, screen.x, screen.width) >= SEEN_MIN.width &&
      overlap(bounds.y, height, screen.y, screen.height) >= SEEN_MIN.height &&
      // By its upper edge a window is moved.
      bounds.y >= screen.y,
  );
  return { bounds: isSeen ? { x: bounds.x, y: bounds.y, width, height } : { width, height }, isMaximized };
}

const overlap = (from: number, length: number, otherFrom: number, otherLength: number): number =>
  Math.min(from + length, otherFrom + otherLength) - Math.max(from, otherFrom);
