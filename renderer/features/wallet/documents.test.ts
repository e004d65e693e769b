import { expect, test } from "vitest";

import { toHex } from "../../../main/protocol/bytes.ts";
import { appIdOf } from "../../../main/protocol/identity/ids.ts";
import { DOCUMENTS_APP, fingerprintOf, readProof } from "./documents.ts";
import { pageHash } from "./hash.ts";

test("a document's fingerprint is that of the command line", async () => {
  const file = new File(["abc"], "letter.txt");
  expect(await fingerprintOf(file)).toEqual({
    name: "letter.txt",
    hash: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  });
  expect(DOCUMENTS_APP).toBe(toHex(appIdOf(pageHash, "documents")));
});

test("a proof is read as it was saved, and nothing else is taken for one", async () => {
  expect(await readProof(new Blob(["00ff\n"]))).toBe("00ff");
  for (const text of ["", "00f", "proof", "00 ff"]) expect(await readProof(new Blob([text]))).toBeUndefined();
});
