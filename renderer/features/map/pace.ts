/**
 * Whether a computer is quick enough to draw the moving map with all its pixels. Without a graphics processor most of a frame's
 * time goes into them: half as many in each direction are drawn in half of it. At rest the map is always sharp. Pure.
 */

/** Between two frames, 25 of them a second: slower looks like steps. */
const FRAME_MS_MAX = 40;
/** In slow frames, one after the other: less may be a tile that came. */
const SLOW_MS_MAX = 120;
/** With fewer pixels as quick as this on average: it may be quick enough with all of them, too. */
const QUICK_MS_MAX = 20;
/** Of the pixels in each direction. */
const HURRIED_SHARE = 0.5;

export class Pace {
  #isHurried = false;
  #lastMs: number | undefined;
  #slowMs = 0;
  #frames = 0;
  #ms = 0;

  /** The map moves, and is drawn anew at `nowMs`. Gives the share of pixels in each direction to draw it with. */
  move(nowMs: number): number {
    const frameMs = this.#lastMs === undefined ? undefined : nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    // A jump is one frame; it is seen as it stays.
    if (frameMs === undefined) return 1;
    this.#slowMs = frameMs > FRAME_MS_MAX ? this.#slowMs + frameMs : 0;
    if (this.#isHurried) {
      this.#frames++;
      this.#ms += frameMs;
    } else if (this.#slowMs > SLOW_MS_MAX) this.#isHurried = true;
    return this.#isHurried ? HURRIED_SHARE : 1;
  }

  /** The map has come to rest. How it went counts for the next movement. */
  rest(): void {
    if (this.#frames > 0 && this.#ms / this.#frames <= QUICK_MS_MAX) this.#isHurried = false;
    this.#lastMs = undefined;
    this.#slowMs = 0;
    this.#frames = 0;
    this.#ms = 0;
  }
}
