/** The table of runners, one per suite. */
import type { Runner } from "../harness.ts";
import { identityRunners } from "./01-crypto.ts";
import { citiesRunners } from "./08-cities.ts";
import { consensusRunners } from "./03-consensus.ts";
import { accountRunners } from "./04-account.ts";
import { entryRunners } from "./05-entry.ts";
import { messageRunners } from "./messages.ts";
import { merkleRunners } from "./02-merkle.ts";
import { peerRunners } from "./peers.ts";
import { privacyRunners } from "./privacy.ts";
import { radioRunners } from "./radio.ts";
import { specKatRunners } from "./specKat.ts";
import { stateRunners } from "./02-state.ts";
import { transportRunners } from "./06-transport.ts";
import { transitionRunners } from "./transition.ts";
import { tunnelRunners } from "./tunnel.ts";
import { xrayRunners } from "./08-xray.ts";

export const runners: Readonly<Record<string, Runner>> = {
  ...identityRunners,
  ...merkleRunners,
  ...stateRunners,
  ...consensusRunners,
  ...accountRunners,
  ...entryRunners,
  ...transitionRunners,
  ...transportRunners,
  ...messageRunners,
  ...tunnelRunners,
  ...citiesRunners,
  ...xrayRunners,
  ...peerRunners,
  ...privacyRunners,
  ...radioRunners,
  ...specKatRunners,
};
