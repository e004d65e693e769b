/** Nodes as a person has them: real machines, stores, logs and chains, joined by a transport of one process. */
import { afterEach, expect, test } from "vitest";

import { Member, Testnet } from "./testnet.fixture.ts";

const EMISSION = 13_000_000_000n;
const nets: Testnet[] = [];
afterEach(async () => {
  for (const net of nets.splice(0)) await net.end();
});

function testnet(options: ConstructorParameters<typeof Testnet>[0]): Testnet {
  const net = new Testnet(options);
  nets.push(net);
  return net;
}

test("two founders decide the same windows and money comes into being by the rule", async () => {
  const [one, two] = [new Member("one"), new Member("two")];
  const net = testnet({ founders: [one, two], tau2Windows: 100n, d: 200_000n });
  const [a, b] = await Promise.all([net.start(one), net.start(two)]);
  await Promise.all([a.untilWindow(5), b.untilWindow(5)]);
  const first = await a.node.status();
  expect(first.supply).toBe((EMISSION * BigInt(first.window! + 1)).toString());
  const summary = await a.node.state.ask("summary", undefined);
  expect(summary.totalBalance).toBe(EMISSION * (summary.height - 1n));
  const [ours, theirs] = await Promise.all(
    [a, b].map((each) => each.node.state.ask("headers", { first: 0n, count: 5 })),
  );
  expect(ours).toEqual(theirs);
}, 30_000);
