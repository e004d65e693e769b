/** The machine's real keychain, used by a process of its own: `node keychain.child.fixture.ts make|roundtrip`. */
import { setTimeout as after } from "node:timers/promises";

import { loadCrypto } from "../native/index.ts";
import { equalBytes } from "../protocol/bytes.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { keychainKeeper, machineKeyIdOf } from "./machineKeys.ts";

const { crypto } = loadCrypto();
const keeper = keychainKeeper(crypto);

/** The daemon that the test started comes up in its own time. */
async function makeKey(tries: number): Promise<Uint8Array> {
  for (let left = tries - 1; ; left--) {
    try {
      return (await keeper.make())!;
    } catch (error) {
      if (left === 0) throw error;
      await after(250);
    }
  }
}

try {
  const key = await makeKey(process.argv[2] === "roundtrip" ? 40 : 1);
  const id = machineKeyIdOf(crypto, key);
  const loaded = await keychainKeeper(crypto).load(id);
  const isSame = loaded !== undefined && equalBytes(loaded, key);
  await keeper.remove(id);
  const isGone = (await keeper.load(id)) === undefined;
  process.stdout.write(`made ${isSame ? "loaded" : "lost"} removed ${isGone ? "missing" : "kept"}\n`);
} catch (error) {
  if (!(error instanceof ProtocolError)) throw error;
  process.stdout.write(`${String(error.code)} ${String(error.params["step"])}\n`);
}
