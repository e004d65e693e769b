/** QR codes for people: in the terminal, as a page of SVG, as a PNG picture. All drawn here, never by a web service. */
import { PNG } from "pngjs";
import { encodeQR } from "qr";

import type { Call } from "./command.ts";
import { writeNew } from "./files.ts";

/** Quiet zone that the standard asks for, in modules. */
const BORDER = 4;
const CAPTION = 5;
/** Pixels of a module in a picture. */
const SCALE = 8;

/** Made for light letters on a dark ground, as phones read it from either. */
export const terminalCode = (text: string): string => encodeQR(text, "ascii", { border: BORDER }).trimEnd();

/** All codes of a series, side by side on one page; with their numbers where there are several. */
export function svgPage(texts: readonly string[]): string {
  const codes = texts.map((text) => encodeQR(text, "raw", { border: BORDER }));
  const side = Math.max(...codes.map((code) => code.length));
  const captionHeight = codes.length === 1 ? 0 : CAPTION;
  const columns = Math.ceil(Math.sqrt(codes.length));
  const rows = Math.ceil(codes.length / columns);
  const parts = codes.map((code, i) => {
    const x = (i % columns) * side;
    const y = Math.floor(i / columns) * (side + captionHeight);
    const path = `<path d="${modulesOf(code, x, y)}"/>`;
    if (codes.length === 1) return path;
    return `${path}<text x="${x + side / 2}" y="${y + side + 1}" font-size="4" text-anchor="middle">${i + 1} / ${codes.length}</text>`;
  });
  const [width, height] = [columns * side, rows * (side + captionHeight)];
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" shape-rendering="crispEdges">`;
  return `${head}\n<rect width="100%" height="100%" fill="#fff"/>\n${parts.join("\n")}\n</svg>\n`;
}

/** One bar for each run of dark modules of a line. */
function modulesOf(code: readonly (readonly boolean[])[], x: number, y: number): string {
  let path = "";
  for (const [row, line] of code.entries()) {
    for (let column = 0; column < line.length; column++) {
      const start = column;
      while (line[column] === true) column++;
      if (column > start) path += `M${x + start} ${y + row}h${column - start}v1h${start - column}z`;
    }
  }
  return path;
}

export function pngPicture(text: string): Uint8Array {
  const rows = encodeQR(text, "raw", { border: BORDER });
  const side = rows.length * SCALE;
  const image = new PNG({ width: side, height: side });
  image.data.fill(255);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const at = 4 * (y * side + x);
      if (rows[Math.floor(y / SCALE)]![Math.floor(x / SCALE)]) image.data.fill(0, at, at + 3);
    }
  }
  return PNG.sync.write(image, { colorType: 0 });
}

/** What a command says of a code beside the rest: the code itself where `--qr` asks for it, and the files. */
export const codeLines = (text: string, options: Call["options"]): readonly string[] => [
  ...(options.flag("qr") ? ["", terminalCode(text)] : []),
  ...["svg", "png"].flatMap((name) => options.text(name) ?? []).map((file) => `Written to ${file}.`),
];

/** Options of a command that shows a code; `of` names the action that they belong to. */
export const qrOptions = (of: string) =>
  ({
    svg: { type: "string", value: "FILE", summary: `${of}: write the QR code as SVG` },
    png: { type: "string", value: "FILE", summary: `${of}: write the QR code as PNG` },
  }) as const;

/** Writes the files that {@link qrOptions} named. Throws "file-exists", "file-unwritable". */
export async function writePictures(
  text: string,
  options: Call["options"],
): Promise<{ readonly svg?: string; readonly png?: string }> {
  const [svg, png] = [options.text("svg"), options.text("png")];
  if (svg !== undefined) await writeNew(svg, svgPage([text]));
  if (png !== undefined) await writeNew(png, pngPicture(text));
  return { ...(svg !== undefined && { svg }), ...(png !== undefined && { png }) };
}
