/** The signs of cities: a shape and a colour for each health, so that neither must be told from the other alone. */
import type { Health } from "./cities.ts";

export type SignColours = Readonly<Record<Health, string>>;

/** Pixels of the picture for each of the map. */
export const SIGN_RATIO = 2;
const SIZE = 20 * SIGN_RATIO;
const CENTRE = SIZE / 2;
const RADIUS = 6.2 * SIGN_RATIO;

type Draw = (context: CanvasRenderingContext2D) => void;

const circle: Draw = (context) => context.arc(CENTRE, CENTRE, RADIUS, 0, 2 * Math.PI);

function polygon(context: CanvasRenderingContext2D, corners: number, turn: number, radius: number): void {
  for (let corner = 0; corner < corners; corner += 1) {
    const angle = turn + (corner * 2 * Math.PI) / corners;
    context.lineTo(CENTRE + radius * Math.cos(angle), CENTRE + radius * Math.sin(angle));
  }
  context.closePath();
}

const SHAPES: Readonly<Record<Health, Draw>> = {
  up: circle,
  degraded: (context) => polygon(context, 3, -Math.PI / 2, RADIUS * 1.25),
  down: (context) => polygon(context, 4, 0, RADIUS * 1.2),
  unknown: circle,
  expired: (context) => polygon(context, 4, Math.PI / 4, RADIUS * 1.1),
};
/** Nobody has said that these work, or that they do not. */
const HOLLOW: ReadonlySet<Health> = new Set(["unknown", "expired"]);

/** By the name under which the map knows them. */
export function signs(colours: SignColours, rim: string): readonly (readonly [name: string, image: ImageData])[] {
  return (Object.keys(SHAPES) as Health[]).map((health) => [`sign-${health}`, draw(health, colours[health], rim)]);
}

function draw(health: Health, colour: string, rim: string): ImageData {
  const canvas = document.createElement("canvas");
  canvas.width = SIZE;
  canvas.height = SIZE;
  const context = canvas.getContext("2d")!;
  context.lineJoin = "round";
  context.beginPath();
  SHAPES[health](context);
  const isHollow = HOLLOW.has(health);
  context.strokeStyle = rim;
  context.lineWidth = (isHollow ? 5 : 3) * SIGN_RATIO;
  context.stroke();
  context.fillStyle = isHollow ? rim : colour;
  context.fill();
  if (isHollow) {
    context.strokeStyle = colour;
    context.lineWidth = 2 * SIGN_RATIO;
    context.stroke();
  }
  if (health === "down") {
    // A bar, as on the sign that forbids entry.
    context.fillStyle = rim;
    context.fillRect(CENTRE - RADIUS * 0.55, CENTRE - SIGN_RATIO, RADIUS * 1.1, 2 * SIGN_RATIO);
  }
  return context.getImageData(0, 0, SIZE, SIZE);
}
