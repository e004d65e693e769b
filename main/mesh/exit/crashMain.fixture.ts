/** A city's whole life in a process of its own, killed after the step on the disk that its arguments name; see crash.slow.test.ts. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import { serviceIn } from "./exit.fixture.ts";
import type { ExitWish } from "./wish.ts";

const [directory = "", wish = "", secondPort = "", killAt = ""] = process.argv.slice(2);

let steps = 0;
const service = serviceIn(directory, {
  onStep() {
    if (++steps === Number(killAt)) process.kill(process.pid, "SIGKILL");
  },
});
const untilPublished = async (link: string | null): Promise<void> => {
  while ((await service.status()).link === link || !existsSync(join(directory, "public", "my-vpn.json")))
    await wait(20);
};

await service.start();
await service.init(JSON.parse(wish) as ExitWish);
await untilPublished(null);
await service.rotate({ overlapSeconds: 3600 });
await service.rotate({ newKey: { port: Number(secondPort) } });
await service.withdraw({ drainSeconds: 0 });
await service.init({});
await untilPublished(null);
await service.remove();
await service.stop();
process.stdout.write(String(steps));
