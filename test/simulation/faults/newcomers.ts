/** Candidates who finish their chain, register, follow the network from its genesis, and are admitted one a window. */
import { registrationMessage } from "../../../main/consensus/objects.ts";
import { accountIdOf } from "../../../main/protocol/identity/ids.ts";
import { nodeRegistration, TYPE_NODE_REGISTRATION } from "../../../main/protocol/objects/nodeRegistration.ts";
import { memberOf } from "../genesis.ts";
import { WINDOW_MS } from "../world.ts";
import type { Run } from "./run.ts";

const NEWCOMERS_MAX = 4;
/** Keys of founders are made of their places. */
const FIRST_KEY = 1000;
/** A registration may get lost with everything else. */
const REPEAT_WINDOWS = 8;

export function planNewcomers(run: Run): void {
  const { world, random } = run;
  const { tau2Windows } = world.rules.params;
  const count = random.integer(0, Math.min(NEWCOMERS_MAX, world.nodes.length));
  for (let i = 0; i < count; i++) {
    world.clock.after((Number(tau2Windows) + random.between(4, 40)) * WINDOW_MS, () => join(run, i));
  }
}

function join(run: Run, number: number): void {
  const { world, random } = run;
  const { tau2Windows } = world.rules.params;
  const member = memberOf(world.crypto, FIRST_KEY + number);
  const window = world.lowestWindow;
  if (window <= tau2Windows + 2n) {
    world.clock.after(WINDOW_MS, () => join(run, number));
    return;
  }
  const registration = nodeRegistration.sign(world.crypto, member.node.secretKey, {
    type: TYPE_NODE_REGISTRATION,
    suiteId: 1,
    nodePubkey: member.node.publicKey,
    operatorAccountId: accountIdOf(world.crypto, 1, member.node.publicKey),
    proofEndpoint: world.crypto.sha256(member.nodeId),
    wStart: window - tau2Windows - 1n,
    vdfChainLength: tau2Windows,
  });
  world.show("newcomers");
  const newcomer = world.add(member);
  newcomer.start();
  const register = (): void => {
    const isAdmitted = world.nodes.some(({ disk }) => disk.state.nodes.get(member.nodeId) !== undefined);
    if (isAdmitted) {
      world.show("newcomers admitted");
      return;
    }
    for (const node of random.sample(world.honest, 2)) node.submit(registrationMessage(registration));
    world.clock.after(REPEAT_WINDOWS * WINDOW_MS, register);
  };
  register();
}
