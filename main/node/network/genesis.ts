/** Does a network file describe the network that it says it does? (chapter 02 §5.1, G1 to G3) */
import { equalBytes } from "../../protocol/bytes.ts";
import type { Crypto } from "../../protocol/crypto.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { MONTANA_BINDINGS } from "../../protocol/genesis/montana.ts";
import { buildGenesis, findGenesisFault, type Genesis, type GenesisFault } from "../../protocol/genesis/state.ts";
import type { Network } from "./networkFile.ts";

/**
 * The state before window 0. Throws `ProtocolError<GenesisFault>` where it is not the one that the file names, and for a
 * network that calls itself "montana" and is another.
 */
export function genesisOf(crypto: Crypto, network: Network): Genesis {
  const { name, rules, otherFounders, stateHash } = network;
  const genesis = buildGenesis(crypto, rules.params, rules.profile, otherFounders);
  const fault =
    name === "montana"
      ? findGenesisFault(crypto, genesis, MONTANA_BINDINGS[rules.profile], true)
      : stateHash !== undefined && !equalBytes(stateHash, genesis.stateHash)
        ? "genesis-state-hash-differs"
        : undefined;
  if (fault !== undefined) throw new ProtocolError<GenesisFault>(fault, { network: name });
  return genesis;
}
