/** A certificate of this program's own, for the decoys of networks on one computer. */
import { generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";

/**
 * Self-signed, ECDSA P-256, from a day ago (or from two days before its end) until `untilMs`, which is a day from now unless
 * given. PEM.
 */
export function makeCertificate(
  name: string,
  untilMs = Date.now() + DAY_MS,
): { readonly key: string; readonly certificate: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const ecdsaWithSha256 = der(0x30, oid("1.2.840.10045.4.3.2"));
  const subject = der(0x30, der(0x31, der(0x30, oid("2.5.4.3"), der(0x0c, Buffer.from(name)))));
  const validity = der(0x30, utcTime(Math.min(Date.now(), untilMs - DAY_MS) - DAY_MS), utcTime(untilMs));
  const alternativeName = der(0x30, oid("2.5.29.17"), der(0x04, der(0x30, der(0x82, Buffer.from(name)))));
  const serial = Buffer.concat([Buffer.from([1]), randomBytes(8)]);
  const toBeSigned = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    ecdsaWithSha256,
    subject,
    validity,
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, der(0x30, alternativeName)),
  );
  const signature = der(0x03, Buffer.from([0]), sign("sha256", toBeSigned, privateKey));
  const certificate = der(0x30, toBeSigned, ecdsaWithSha256, signature);
  return {
    key: pemOf(privateKey),
    certificate: `-----BEGIN CERTIFICATE-----\n${certificate.toString("base64")}\n-----END CERTIFICATE-----\n`,
  };
}

const DAY_MS = 86_400_000;

const pemOf = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }) as string;

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const [high, low] = [content.length >> 8, content.length & 255];
  const length = high > 0 ? [0x82, high, low] : low < 128 ? [low] : [0x81, low];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const arcs = [40 * first + second, ...rest].flatMap((arc) => {
    const digits = [arc & 127];
    for (let left = arc >> 7; left > 0; left >>= 7) digits.unshift((left & 127) | 128);
    return digits;
  });
  return der(0x06, Buffer.from(arcs));
}

/** `YYMMDDhhmmssZ`. */
const utcTime = (unixMs: number): Buffer =>
  der(0x17, Buffer.from(`${new Date(unixMs).toISOString().replace(/[-:T]/g, "").slice(2, 14)}Z`));
