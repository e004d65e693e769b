/** The bench programme; README.md says how to call it. */
import { parseArgs } from "node:util";
import { loadCrypto } from "../../main/native/index.ts";
import { benches as bothChains } from "./bothChains.ts";
import { measure, type Bench, type Result } from "./harness.ts";
import { benches as merkle } from "./merkle.ts";
import { benches as mesh } from "./mesh.ts";
import { benches as native } from "./native.ts";
import { benches as network } from "./network.ts";
import { benches as page } from "./page.ts";
import { benches as pageWeek } from "./pageWeek.ts";
import { benches as secrets } from "./secrets.ts";
import { benches as store } from "./store.ts";
import { benches as transition } from "./transition.ts";
import { benches as tunnel } from "./tunnel.ts";
import { benches as vdf } from "./vdf.ts";

const BENCHES: readonly Bench[] = [
  ...vdf,
  ...bothChains,
  ...native,
  ...merkle,
  ...transition,
  ...network,
  ...secrets,
  ...store,
  ...tunnel,
  ...mesh,
  ...page,
  ...pageWeek,
];

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean" }, full: { type: "boolean" } },
});

const selected = BENCHES.filter(
  ({ name }) => positionals.length === 0 || positionals.some((prefix) => name.startsWith(prefix)),
);
if (selected.length === 0) {
  console.error(
    `no bench starts with ${positionals.join(" or ")}; there are: ${BENCHES.map((b) => b.name).join(", ")}`,
  );
  process.exitCode = 1;
}
if (!options.json) console.log(loadCrypto().note);
for (const bench of selected) {
  const result = await measure(bench);
  if (result) console.log(options.json ? JSON.stringify(result) : line(result));
  else console.error(`${bench.name}: not available on this machine`);
}

function line({ name, value, unit, peer, peerValue, ratio }: Result): string {
  const figures = `${value.toPrecision(4)} ${unit}, ${peer} ${peerValue.toPrecision(4)}`;
  return `${name.padEnd(24)} ${ratio.toFixed(3).padStart(8)}  ${figures}`;
}
