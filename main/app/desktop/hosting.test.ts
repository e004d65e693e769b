import { afterEach, beforeEach, expect, test } from "vitest";

import { networkIn } from "./hosting.ts";
import { HostingGround } from "./hosting.fixture.ts";

let ground: HostingGround;
beforeEach(async () => {
  ground = await HostingGround.make();
});
afterEach(() => ground.remove());

test("a host of the app's own is for the network that was named, also when it is started again without", async () => {
  const words = ["electron", "main.ts", "--enable-features=A", "--network=solo"];
  const named = await ground.openHosting(undefined, networkIn(words));
  expect(await named.client.networks.query()).toMatchObject({ chosen: "solo", running: null });
  await ground.close();
  expect(networkIn(words.slice(0, -1))).toBe(undefined);
  const again = await ground.openHosting();
  expect((await again.client.networks.query()).chosen).toBe("solo");
});
