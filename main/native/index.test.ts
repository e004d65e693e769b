/** The choice of a back end. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { loadCrypto, wipe } from "./index.ts";

it("falls back to JavaScript, and says so, when the add-on is missing or is no add-on", () => {
  const folder = mkdtempSync(join(tmpdir(), "montana-native-"));
  const broken = join(folder, "broken.node");
  writeFileSync(broken, "not a library");
  for (const addonPath of [join(folder, "missing.node"), broken]) {
    const { crypto, note } = loadCrypto({ addonPath });
    expect(crypto.backEnd).toBe("noble");
    expect(note).toMatch(/slower/);
  }
  rmSync(folder, { recursive: true });
});

it("wipes all buffers it is given", () => {
  const secrets = [new Uint8Array(3).fill(1), new Uint8Array(5).fill(2)];
  wipe(...secrets);
  expect(secrets).toEqual([new Uint8Array(3), new Uint8Array(5)]);
});
