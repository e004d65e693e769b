/** The tray's icon as a bitmap (BGRA), drawn rather than kept: a shape for each state, so that colour alone tells nothing. */
import type { TrayModel } from "./trayModel.ts";

export const ICON_SIZE = 32;

/** Red, green, blue. */
const COLOURS = { off: [138, 138, 148], busy: [224, 162, 52], on: [38, 166, 107], blocked: [214, 69, 65] } as const;
const RADIUS = 13;
const RING = 4;

export function drawIcon(icon: TrayModel["icon"]): Buffer {
  const pixels = Buffer.alloc(4 * ICON_SIZE * ICON_SIZE);
  const [red, green, blue] = COLOURS[icon];
  for (let y = 0; y < ICON_SIZE; y++) {
    for (let x = 0; x < ICON_SIZE; x++) {
      const [dx, dy] = [x + 0.5 - ICON_SIZE / 2, y + 0.5 - ICON_SIZE / 2];
      if (isPainted[icon](Math.hypot(dx, dy), dy)) pixels.set([blue, green, red, 255], 4 * (y * ICON_SIZE + x));
    }
  }
  return pixels;
}

const isRing = (distance: number): boolean => distance <= RADIUS && distance > RADIUS - RING;

/** By the distance from the middle, and from the line across it. */
const isPainted: Readonly<Record<TrayModel["icon"], (distance: number, dy: number) => boolean>> = {
  off: isRing,
  busy: (distance, dy) => isRing(distance) || (distance <= RADIUS && dy > 0),
  on: (distance) => distance <= RADIUS,
  blocked: (distance, dy) => distance <= RADIUS && Math.abs(dy) > RING / 2,
};
