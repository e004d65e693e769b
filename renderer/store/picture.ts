/** The picture of a QR code, as the contract takes it. */

const PICTURE_BYTES_MAX = 8_388_608;

export const PICTURE_TYPES = ["image/png", "image/jpeg"];

/** In base64; undefined where it is larger than 8 MiB. */
export async function readPicture(file: Blob): Promise<string | undefined> {
  if (file.size > PICTURE_BYTES_MAX) return undefined;
  return toBase64(new Uint8Array(await file.arrayBuffer()));
}

/** Arguments of a call are bounded: so many bytes at once. */
const PIECE_BYTES = 0x8000;

function toBase64(bytes: Uint8Array): string {
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    pieces.push(String.fromCharCode(...bytes.subarray(at, at + PIECE_BYTES)));
  }
  return btoa(pieces.join(""));
}
