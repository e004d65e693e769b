/** Runs over and over until it is killed: `node crash.fixture.ts SETTINGS`. Frankfurt withdraws and comes back by turns. */
import { fixtureFetcher } from "./aggregator.fixture.ts";
import { runAggregator } from "./aggregator.ts";
import { readSettings } from "./settings.ts";

const settings = readSettings(process.argv[2]!);
for (let i = 0; ; i++) {
  const fetcher = fixtureFetcher("three-city", (node, file) =>
    node === "frankfurt" && file === "my-vpn" && i % 2 === 1 ? { kind: "missing" } : undefined,
  );
  await runAggregator(settings, {
    fetcher,
    nowUnix: () => 1_778_414_400 + i,
    probe: () => Promise.resolve(i % 3 === 0 ? { error: "reset" } : { handshakeMs: i }),
  });
  if (i === 0) console.log("running");
}
