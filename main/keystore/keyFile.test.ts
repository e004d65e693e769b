import { readFile, readdir, truncate, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";

import { concatBytes, equalBytes } from "../protocol/bytes.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { createIdentity } from "./create.ts";
import { CURRENT, PREVIOUS } from "./generations.ts";
import { IdentityStore } from "./identityStore.ts";
import { decodeKeyFile, encodeKeyFile } from "./keyFile.ts";
import { codeOf, codesIn, contextAt, crypto, errorOf, freshPath, PASSPHRASE, quietly } from "./keystore.fixture.ts";

let directory: string;
let whole: Uint8Array;
const path = (name: string): string => join(directory, name);

beforeAll(async () => {
  directory = await freshPath();
  await createIdentity(contextAt(directory), { mode: "recoverable", ...quietly() });
  whole = Uint8Array.from(await readFile(path(CURRENT)));
});

/** Offsets of the fields: the magic, then the layout of keyFile.ts. */
const IDENTITY = 10;
const STATE = IDENTITY + 2 + 1 + 1 + 8 + 1952 + 1952 + 1184;
const DERIVATION = STATE + 8 + 8 + 1 + 1 + 32 + 32 + 16 + 1 + 16;
const ACCOUNT_PART = DERIVATION + 1 + 12 + 32;
const NODE_PART = ACCOUNT_PART + 12 + 48 + 12 + 96 + 16;

function faultOf(file: Uint8Array): { code: string; reason: unknown } {
  try {
    decodeKeyFile(crypto, "a.key", file);
  } catch (error) {
    if (error instanceof ProtocolError) return { code: String(error.code), reason: error.params["reason"] };
    throw error;
  }
  return { code: "none", reason: undefined };
}

/** As a forger would: with a checksum that fits. */
const withChecksum = (content: Uint8Array): Uint8Array => concatBytes(content, crypto.sha256(content));
const changed = (offset: number, value: number): Uint8Array => withChecksum(whole.with(offset, value).subarray(0, -32));

describe("a key file", () => {
  test("is read and written back byte by byte", () => {
    expect(whole).toHaveLength(NODE_PART + 12 + 48 + 12 + 48 + 32);
    expect(encodeKeyFile(crypto, decodeKeyFile(crypto, "a.key", whole))).toEqual(whole);
  });

  test("with any byte flipped is named damaged", () => {
    for (let i = 0; i < whole.length; i++) {
      const { code, reason } = faultOf(whole.with(i, whole[i]! ^ (1 << (i % 8))));
      expect(code).toBe("key-file-damaged");
      expect(reason).toBe(i < 8 ? "magic" : "checksum");
    }
  });

  test("of any other length is named damaged", () => {
    for (let length = 0; length < whole.length; length++) {
      expect(faultOf(whole.subarray(0, length)).code).toBe("key-file-damaged");
    }
    expect(faultOf(concatBytes(whole, new Uint8Array(1))).code).toBe("key-file-damaged");
    expect(faultOf(withChecksum(whole.subarray(0, -33)))).toEqual({ code: "key-file-damaged", reason: "size" });
    expect(faultOf(withChecksum(whole.subarray(0, 12)))).toEqual({ code: "key-file-damaged", reason: "size" });
  });

  test("of a later version is told from damage, one of an unknown kind from a known one", () => {
    expect(faultOf(changed(8, 2)).code).toBe("key-file-newer");
    expect(faultOf(changed(8, 0))).toEqual({ code: "key-file-damaged", reason: "field" });
    expect(faultOf(changed(IDENTITY, 2)).code).toBe("unsupported-suite");
    for (const offset of [IDENTITY + 2, IDENTITY + 3, STATE + 16, STATE + 17, STATE + 98]) {
      expect(faultOf(changed(offset, 9))).toEqual({ code: "key-file-damaged", reason: "field" });
    }
  });

  test("that asks for too little or too much work is refused", () => {
    const set = (at: number, value: number): Uint8Array => {
      const file = whole.slice();
      new DataView(file.buffer).setUint32(DERIVATION + at, value, true);
      return withChecksum(file.subarray(0, -32));
    };
    expect(faultOf(changed(DERIVATION, 2)).code).toBe("key-file-refused");
    for (const [at, accepted, refused] of [
      [1, [19_456, 1_048_576], [0, 19_455, 1_048_577, 0xffff_ffff]],
      [5, [2, 16], [0, 1, 17]],
      [9, [1, 16], [0, 17]],
    ] as const) {
      for (const value of accepted) expect(faultOf(set(at, value)).code).toBe("none");
      for (const value of refused) expect(faultOf(set(at, value)).code).toBe("key-file-refused");
    }
  });
});

describe("a forged key file", () => {
  /** Its fault when the node key and then the account is opened. */
  async function opened(file: Uint8Array): Promise<{ node: string; account: string }> {
    await writeFile(path(CURRENT), file);
    await unlink(path(PREVIOUS));
    const store = await IdentityStore.open(contextAt(directory));
    const fault = (run: () => Promise<unknown>): Promise<string> =>
      run().then(
        () => "none",
        (error: unknown) => (error as ProtocolError).code,
      );
    return { node: await fault(() => store.openNodeSigner()), account: await fault(() => store.unlock(PASSPHRASE)) };
  }

  test("is found by the node part, whichever field was changed; by the account part, where it is the account's", async () => {
    const fields: [offset: number, accountFault: string][] = [
      [IDENTITY + 4, "wrong-passphrase"], // createdAtMs
      [IDENTITY + 12, "wrong-passphrase"], // account key, and with it account_id
      [IDENTITY + 12 + 1952, "wrong-passphrase"], // node key
      [STATE, "none"], // generation
      [STATE + 18, "none"], // machine mark
      [DERIVATION + 13, "wrong-passphrase"], // salt
      [ACCOUNT_PART, "wrong-passphrase"],
      [ACCOUNT_PART + 60, "key-file-forged"], // the content's nonce
      [NODE_PART - 1, "key-file-forged"],
    ];
    for (const [offset, accountFault] of fields) {
      const faults = await opened(changed(offset, whole[offset]! ^ 1));
      expect(faults, `offset ${offset}`).toEqual({ node: "key-file-forged", account: accountFault });
    }
  });

  test("in each byte that only the node part guards does not open it", async () => {
    await writeFile(path(CURRENT), whole);
    const store = await IdentityStore.open(contextAt(directory));
    const signer = await store.openNodeSigner();
    signer.close();
    for (const offset of [NODE_PART, NODE_PART + 59, NODE_PART + 60, NODE_PART + 72, whole.length - 33]) {
      const { node, account } = await opened(changed(offset, whole[offset]! ^ 0x80));
      expect({ node, account }).toEqual({ node: "key-file-forged", account: "none" });
    }
  });
});

describe("a damaged key file on disk", () => {
  const restoreBoth = async (): Promise<void> => {
    await writeFile(path(CURRENT), whole, { mode: 0o600 });
    await writeFile(path(PREVIOUS), whole, { mode: 0o600 });
  };
  const openStore = (): Promise<IdentityStore> => IdentityStore.open(contextAt(directory));

  test.each([CURRENT, PREVIOUS])("is named and made again from the other generation: %s", async (name) => {
    await restoreBoth();
    await writeFile(path(name), whole.with(700, whole[700]! ^ 4));
    const { warnings } = await openStore();
    expect(warnings).toEqual([{ code: "key-file-repaired", params: { file: name, reason: "checksum" } }]);
    expect(equalBytes(await readFile(path(name)), whole)).toBe(true);
    expect((await openStore()).warnings).toEqual([]);
  });

  test("is made again when it is missing or empty", async () => {
    await restoreBoth();
    await unlink(path(CURRENT));
    expect((await openStore()).warnings[0]?.params).toEqual({ file: CURRENT, reason: "missing" });
    await truncate(path(CURRENT), 0);
    expect((await openStore()).warnings[0]?.params).toEqual({ file: CURRENT, reason: "size" });
    expect(equalBytes(await readFile(path(CURRENT)), whole)).toBe(true);
  });

  test("is an error that names it when the other generation is no better, and nothing is changed then", async () => {
    await writeFile(path(CURRENT), whole.subarray(0, 1000));
    await writeFile(path(PREVIOUS), whole.with(20, whole[20]! ^ 1));
    const error = await errorOf(openStore);
    expect([error.code, error.params["file"]]).toEqual(["key-file-damaged", CURRENT]);
    expect(await readFile(path(CURRENT))).toHaveLength(1000);
    await unlink(path(CURRENT));
    expect((await errorOf(openStore)).params["file"]).toBe(PREVIOUS);
    await unlink(path(PREVIOUS));
    expect(await codeOf(openStore)).toBe("identity-missing");
  });

  test("is not another identity's: that one is not overwritten", async () => {
    await restoreBoth();
    const other = await freshPath();
    await createIdentity(contextAt(other), { mode: "ephemeral", ...quietly() });
    const foreign = await readFile(join(other, CURRENT));
    await writeFile(path(PREVIOUS), foreign);
    expect(await codeOf(openStore)).toBe("identities-mixed");
    expect(equalBytes(await readFile(path(PREVIOUS)), foreign)).toBe(true);
  });

  test("is not what a newer version wrote: that is left alone", async () => {
    await restoreBoth();
    await writeFile(path(CURRENT), changed(8, 2));
    expect(await codeOf(openStore)).toBe("key-file-newer");
    expect(equalBytes(await readFile(path(CURRENT)), changed(8, 2))).toBe(true);
    expect(await codeOf(() => createIdentity(contextAt(directory), { mode: "ephemeral", ...quietly() }))).toBe(
      "identity-exists",
    );
  });

  test("may be the machine's: every flip and every cut of it is named", async () => {
    await restoreBoth();
    const name = (await readdir(directory)).find((file) => file.startsWith("machine-"))!;
    const machine = Uint8Array.from(await readFile(path(name)));
    const store = await openStore();
    for (let i = 0; i < machine.length; i++) {
      await writeFile(path(name), machine.with(i, machine[i]! ^ 1));
      const { code, params } = await errorOf(() => store.openNodeSigner());
      expect([code, params["file"], params["reason"]]).toEqual([
        "key-file-damaged",
        name,
        i < 8 ? "magic" : "checksum",
      ]);
    }
    await writeFile(path(name), machine.subarray(0, 40));
    expect(await codeOf(() => store.openNodeSigner())).toBe("key-file-damaged");
    await unlink(path(name));
    expect(await codeOf(() => store.openNodeSigner())).toBe("machine-key-missing");

    // The passphrase makes a new one.
    expect(codesIn(await store.renewMachineKey(PASSPHRASE, "file"))).toEqual([]);
    (await store.openNodeSigner()).close();
  });
});
