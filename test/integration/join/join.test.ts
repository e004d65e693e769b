import { expect, test } from "vitest";

import { runJoin } from "./main.ts";
import { SMALL } from "./network.ts";

test("a node joins from three processes, killed and resumed twice, and names the one that lies", async () => {
  const { isRight, isSameRoot, kills, liarsNamed } = await runJoin(SMALL, () => undefined);
  expect({ isRight, isSameRoot, kills, liars: liarsNamed.length }).toEqual({
    ...{ isRight: true, isSameRoot: true, kills: 2, liars: 1 },
  });
}, 300_000);
