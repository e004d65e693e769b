/** Suite spec-kat: vectors A to F of the specification, with the inputs that yield them (chapter 07 §9.3). */
import { ascii, concatBytes } from "../../../main/protocol/bytes.ts";
import type { Crypto } from "../../../main/protocol/crypto.ts";
import { encodeFragmentFrame } from "../../../main/network/radio/fragmentFrame.ts";
import type { Runner } from "../harness.ts";
import { bytesOf } from "./inputs.ts";
import { envelopeEncode, payloadDecode } from "./messages.ts";
import { fragmentFrom, seal } from "./radio.ts";
import { describeBytes } from "./steps.ts";
import { katMesh, katOnline, katWork, powTarget } from "./tunnel.ts";

/** "h0 = SHA-256('TEXT'), h(i+1) = SHA-256(h(i)), concatenated, first N bytes". */
function chainedPadding(crypto: Crypto, rule: string): Uint8Array {
  const found = /^h0 = SHA-256\('([^']+)'\), h\(i\+1\) = SHA-256\(h\(i\)\), concatenated, first (\d+) bytes$/.exec(
    rule,
  );
  if (found === null) throw new Error(`no such rule: ${rule}`);
  const length = Number(found[2]);
  const blocks: Uint8Array[] = [];
  for (let block: Uint8Array = ascii(found[1]!); blocks.length * 32 < length;) {
    block = crypto.sha256(block);
    blocks.push(block);
  }
  return concatBytes(...blocks).subarray(0, length);
}

const kat: Readonly<Record<string, Runner>> = {
  envelope: envelopeEncode,
  "ibt-online": katOnline,
  "ibt-mesh": katMesh,
  "bootstrap-pow": katWork,
  "pow-target": powTarget,
  "mesh-frame": (input, { crypto }) => {
    const payload =
      input.payload_rule === undefined ? bytesOf(input.payload) : chainedPadding(crypto, input.payload_rule);
    const bytes = encodeFragmentFrame(fragmentFrom(input, payload));
    return { ...describeBytes(crypto, bytes), header: bytes.subarray(0, bytes.length - payload.length) };
  },
  "sf-envelope": (input, { crypto }) => seal(crypto, input.seed, input),
};

const specKat: Runner = (input, context) => (kat[input.kind] ?? payloadDecode)(input, context);

export const specKatRunners: Readonly<Record<string, Runner>> = { "07-network/spec-kat": specKat };
