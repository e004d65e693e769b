/**
 * `npm run conformance -- [--backend native|fallback] [--suite NAME]… [PATH…]`: runs every vector file under the given files
 * or folders (default: this project's own copy) and prints what passed, failed and has no runner.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { loadCrypto, loadFallback, loadNative } from "../../main/native/index.ts";
import { emptySummary, listVectorFiles, readVectorFile, runSuite } from "./harness.ts";
import { runners } from "./runners/index.ts";

const { values, positionals } = parseArgs({
  options: { suite: { type: "string", multiple: true, default: [] }, backend: { type: "string" } },
  allowPositionals: true,
});

function chooseCrypto() {
  if (values.backend === undefined) return loadCrypto().crypto;
  if (values.backend === "native") return loadNative();
  if (values.backend === "fallback") return loadFallback();
  throw new Error(`--backend takes "native" or "fallback", not "${values.backend}"`);
}

const paths = positionals.length > 0 ? positionals : [fileURLToPath(new URL("vectors", import.meta.url))];
const wanted = new Set(values.suite);
const crypto = chooseCrypto();
const summary = emptySummary();
for (const path of listVectorFiles(paths)) {
  const file = readVectorFile(path);
  const isWanted = wanted.size === 0 || wanted.has(file.suite) || wanted.has(file.suite.replace(/^.*\//, ""));
  if (isWanted) await runSuite(file, runners[file.suite], crypto, summary);
}

for (const { suite, name, difference } of summary.failures) console.log(`FAILED ${suite} / ${name}\n  ${difference}`);
if (summary.unsupportedSuites.size > 0) console.log(`without a runner: ${[...summary.unsupportedSuites].join(", ")}`);
console.log(`${summary.passed} passed, ${summary.failed} failed, ${summary.unsupported} unsupported`);
process.exitCode = summary.failed > 0 || summary.unsupported > 0 || summary.passed === 0 ? 1 : 0;
