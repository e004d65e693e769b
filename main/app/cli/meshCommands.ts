/** The commands of an aggregator, `montana mesh ACTION`: they need no host and no identity. */
import { join, resolve } from "node:path";

import { apiError, explain, noticeOf } from "../../api/errors.ts";
import { checkKeyModes, authorizedKeysLine, provideKeys } from "../../mesh/aggregator/authorizedKeys.ts";
import { runAggregator, type RunReport } from "../../mesh/aggregator/aggregator.ts";
import { syncKeys } from "../../mesh/aggregator/keySync.ts";
import { NODE_FILES, NODE_PATHS } from "../../mesh/aggregator/nodeFiles.ts";
import { readCities, readSettings, type Settings } from "../../mesh/aggregator/settings.ts";
import { createFetcher } from "../../mesh/aggregator/practiceFetcher.ts";
import { createProbe } from "../../mesh/health/healthRun.ts";
import { runExplorer } from "../../mesh/explorer/collector.ts";
import { deepLinks } from "../../cities/deepLinks.ts";
import { importLink } from "../../vpn/subscriptions/deepLink.ts";
import { parseAddress } from "../../vpn/subscriptions/address.ts";
import { ALLOWANCE } from "../../mesh/subscriptions/allowance.ts";
import { parseListen, startPublicServer } from "../../mesh/subscriptions/server.ts";
import { countsOfAggregation, countsOfExplorer } from "../../mesh/runFigures.ts";
import { createMeshMetrics } from "../meshMetrics.ts";
import { serveMetrics } from "../metrics.ts";
import type { Call, Command, Result } from "./command.ts";
import { EXIT } from "./exitCodes.ts";
import { nowUnix, readMetricsPort, repeated, stopOnSignals, type Action } from "./meshJobs.ts";
import { describeCheck, describeLinks, describeRun } from "./meshTexts.ts";
import { qrOptions, terminalCode, writePictures } from "./qrCodes.ts";

const SETTINGS_FILE = "/etc/montana-mesh/mesh.json";
const LISTEN = "127.0.0.1:8480";

const actions = {
  aggregate: repeated("aggregate", "aggregator", async ({ options, say }, settings, signal) => {
    const probe = options.flag("no-probes") ? undefined : createProbe(settings);
    const fetcher = await createFetcher(settings);
    const report = await runAggregator(settings, { fetcher, probe, nowUnix, signal });
    for (const line of describeRun(report).notes) say(line);
    return { ...resultOf(report), counts: countsOfAggregation(report) };
  }),
  explore: repeated("explore", "explorer", async (_, settings) => {
    const report = await runExplorer(settings, { fetcher: await createFetcher(settings), nowUnix });
    const text = `[explorer] nodes=${report.nodes} discovered=${report.discovered} in ${report.milliseconds} ms`;
    const exitCode = report.alarms.length > 0 ? EXIT.failed : EXIT.ok;
    return { json: report, text, exitCode, counts: countsOfExplorer(report) };
  }),
  "sync-keys": repeated("sync-keys", "keys", async (_, settings) => {
    const synced = await syncKeys(settings, await createFetcher(settings), nowUnix());
    return { json: synced, text: `[keys] ${synced.node} ${synced.isChanged ? "changed" : "unchanged"}`, counts: [] };
  }),
  serve,
  check,
  keys,
  qr,
} satisfies Record<string, Action>;

export const mesh: Command = {
  name: "mesh",
  summary: "an aggregator: ask every node, publish the lists, serve them",
  arguments: [{ name: "ACTION", choices: Object.keys(actions) }],
  options: {
    config: { type: "string", value: "FILE", summary: `settings of the aggregator (${SETTINGS_FILE})` },
    every: { type: "string", value: "N", summary: "aggregate, explore, sync-keys: again every so many seconds" },
    "no-probes": { type: "boolean", summary: "aggregate: probe no exit" },
    listen: { type: "string", value: "ADDR", summary: `serve: address and port (${LISTEN})` },
    certificate: { type: "string", value: "FILE", summary: "serve: PEM, read again when it changes; with --key" },
    key: { type: "string", value: "FILE", summary: "serve: PEM of the certificate's key" },
    acme: { type: "string", value: "NAME", isRepeatable: true, summary: "serve: get the certificate for this name" },
    "acme-directory": { type: "string", value: "TEXT", summary: "serve: address of another certificate authority" },
    "acme-listen": { type: "string", value: "ADDR", summary: "serve: where its questions are answered (0.0.0.0:80)" },
    "metrics-port": {
      ...{ type: "string", value: "N" },
      summary: "serve, and what runs --every: /metrics and /health there on 127.0.0.1",
    },
    "no-limits": { type: "boolean", summary: "serve: behind a CDN, where all requests come from a few addresses" },
    "net-dir": { type: "string", value: "DIR", summary: `keys: of the node's files (${NODE_PATHS.netDirectory})` },
    "node-dir": { type: "string", value: "DIR", summary: `keys: of the node's data (${NODE_PATHS.dataDirectory})` },
    unit: { type: "string", value: "TEXT", summary: `keys: the node's systemd unit (${NODE_PATHS.unit})` },
    url: { type: "string", value: "TEXT", summary: "qr: public address of the list, https://NAME/vpn/sub" },
    ...qrOptions("qr"),
  },
  detail:
    "aggregate asks every node for its link and its peers, publishes what follows and probes the exits, one by one over almost " +
    "three minutes. explore reads the " +
    "nodes' status and journals and writes the explorer's page. sync-keys writes keys.json. serve answers the public from " +
    "what lies there; any web server can do that instead. check reads the settings and looks at what is published. keys " +
    "makes the aggregator's keys and prints the lines for authorized_keys of every node's account. qr shows what people " +
    "scan, and the links that open the programs of phones.",
  run(called) {
    const settings = readSettings(resolve(called.options.text("config") ?? SETTINGS_FILE));
    return actions[called.arguments[0] as keyof typeof actions](called, settings);
  },
};

function resultOf(report: RunReport): Result {
  return {
    json: report,
    text: describeRun(report).summary,
    exitCode: report.alarms.length > 0 ? EXIT.failed : EXIT.ok,
  };
}

async function serve({ options, say, print }: Call, settings: Settings): Promise<undefined> {
  const listen = readListen(options.text("listen") ?? LISTEN, "--listen");
  const metricsPort = readMetricsPort(options);
  const names = options.texts("acme");
  const onTrouble = (error: unknown): void => say(explain(noticeOf(error).notice).sentence);
  const stopping = stopOnSignals();
  // Loaded where it is needed alone: it brings much with it.
  const certificates =
    names.length === 0
      ? undefined
      : await (
          await import("../../mesh/subscriptions/acme.ts")
        ).openCertificates({
          names,
          directory: join(settings.stateDirectory, "acme"),
          directoryUrl: options.text("acme-directory"),
          listen: readListen(options.text("acme-listen") ?? "0.0.0.0:80", "--acme-listen"),
          onTrouble,
        });
  try {
    const server = await startPublicServer({
      ...listen,
      publicDirectory: settings.publicDirectory,
      profile: settings.profile,
      tls: certificates?.files ?? readTls(options.text("certificate"), options.text("key")),
      allowance: options.flag("no-limits") ? undefined : ALLOWANCE,
      onTrouble,
    });
    try {
      const figures = createMeshMetrics(settings.stateDirectory, () => server.figures());
      const metrics =
        metricsPort === undefined ? undefined : await serveMetrics(metricsPort, figures, () => server.hasList);
      print({
        json: { host: listen.host, port: server.port, ...(metrics && { metricsPort: metrics.port }) },
        text: `Serving on ${listen.host} port ${server.port}.`,
      });
      await new Promise((resolve) => stopping.signal.addEventListener("abort", resolve));
      await metrics?.close();
    } finally {
      await server.close();
    }
  } finally {
    stopping.end();
    await certificates?.close();
  }
  return undefined;
}

function readListen(text: string, option: string): { readonly host: string; readonly port: number } {
  const listen = parseListen(text);
  if (listen === undefined) throw apiError("usage", { reason: `${option} takes ADDRESS:PORT`, command: "mesh" });
  return listen;
}

function readTls(certificateFile: string | undefined, keyFile: string | undefined) {
  if (certificateFile === undefined && keyFile === undefined) return undefined;
  if (certificateFile === undefined || keyFile === undefined) {
    throw apiError("usage", { reason: "--certificate and --key belong together", command: "mesh" });
  }
  return { certificateFile: resolve(certificateFile), keyFile: resolve(keyFile) };
}

function check(_: Call, settings: Settings): Promise<Result> {
  const cities = readCities(settings);
  checkKeyModes(settings.keysDirectory);
  const labels = new Set(cities.cities.map(({ node }) => node));
  const asked = new Set(settings.peers.map(({ node }) => node));
  const json = {
    network: cities.network,
    cities: cities.cities.length,
    peers: settings.peers.length,
    /** Would be in the subscription, and on no map. */
    peersWithoutCity: [...asked].filter((node) => !labels.has(node)),
    citiesWithoutPeer: [...labels].filter((node) => !asked.has(node)),
  };
  return Promise.resolve({ json, text: describeCheck(json) });
}

function keys({ options }: Call, settings: Settings): Promise<Result> {
  const paths = {
    netDirectory: options.text("net-dir") ?? NODE_PATHS.netDirectory,
    dataDirectory: options.text("node-dir") ?? NODE_PATHS.dataDirectory,
    unit: options.text("unit") ?? NODE_PATHS.unit,
  };
  const publicKeys = provideKeys(settings.keysDirectory);
  const lines = NODE_FILES.map((file) => authorizedKeysLine(file, publicKeys.get(file)!, paths));
  return Promise.resolve({ json: { authorizedKeys: lines }, text: lines.join("\n") });
}

async function qr({ options }: Call, { profile, subscriptionUrl }: Settings): Promise<Result> {
  const given = options.text("url") ?? subscriptionUrl;
  if (given === undefined) {
    const reason = "--url takes the public address of the list, which the settings may hold as subscription_url";
    throw apiError("usage", { reason, command: "mesh" });
  }
  const url = parseAddress(given);
  const { qr: code, ...phones } = deepLinks(url, profile.title);
  const links = { ...phones, montana: importLink(url) };
  const files = await writePictures(code, options);
  return {
    json: { qr: code, links, ...files },
    text: [terminalCode(code), describeLinks(url, links, files)].join("\n"),
  };
}
