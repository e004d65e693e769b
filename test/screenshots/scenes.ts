/**
 * What a person can come to see: each view and the states of it that matter, with how to get there. Steps are in English; what
 * stands in between is the same in every language and theme.
 */
import type { Page } from "playwright-core";

import type { Notice, Snapshot } from "../../main/api/contract.ts";
import { PASSPHRASE } from "../../main/app/cli.fixture.ts";
import { giveWordsBack, readWords } from "../e2e/words.ts";
import { readRecording, type Answers, type Moment } from "./recording.ts";
import type { Shown } from "./shownHost.ts";

export interface Scene {
  readonly name: string;
  readonly shown: Shown;
  /** A real host that has nothing yet shows the same. */
  readonly isReal?: boolean;
  /** Another scene has the same parts with other words: for eyes alone, tests leave it out. */
  readonly isAlike?: boolean;
  /** Behind the # of the address. */
  readonly place: string;
  /** There when the scene may be looked at. */
  readonly ready: string;
  /** From the opened place to what is looked at. */
  readonly act?: (page: Page) => Promise<void>;
}

const { moments } = readRecording();

/** Of a snapshot, as deep as it goes; what comes of it the contract checks. */
interface Change {
  readonly status?: Values;
  readonly tunnel?: Values;
}
type Values = Readonly<Record<string, unknown>>;

/** A recorded moment, with what a scene changes of it. */
function at(moment: Moment, { status = {}, tunnel = {} }: Change = {}, answers: Partial<Answers> = {}): Shown {
  const recorded = moments[moment];
  const { snapshot } = recorded;
  // Nothing was written into the network: the page asks for what it would show of that.
  const readAnchors = { anchors: [] };
  const changed = { ...snapshot, status: merge(snapshot.status, status), tunnel: merge(snapshot.tunnel ?? {}, tunnel) };
  return { answers: { ...recorded, readAnchors, ...answers, snapshot: changed as Snapshot } };
}

function merge(value: object, change: Values): object {
  const before = value as Values;
  const isObject = (part: unknown): part is Values => typeof part === "object" && part !== null && !Array.isArray(part);
  const changed = Object.entries(change).map(([name, part]) => {
    const old = before[name];
    return [name, isObject(part) && isObject(old) ? merge(old, part) : part];
  });
  return { ...before, ...(Object.fromEntries(changed) as Values) };
}

const notice = (code: string, params: Notice["params"] = {}): Notice => ({ code, params });
const press = (page: Page, name: string): Promise<void> =>
  page.getByRole("button", { name, exact: true }).first().click();

/** Chains of the real network: the recorded one is short. */
const LONG_CHAIN = { done: 7_654_321_000_000, total: 20_160 * 1_500_000_000, d: 1_500_000_000 };
const LONG_TIMES = { etaSeconds: 787_000, admissionSeconds: 1_012_345, pausableSeconds: 412_000, startWindow: 104_221 };
const CANDIDATE = { ...LONG_CHAIN, ...LONG_TIMES };

const NOTHING_YET: Partial<Answers> = { vpnCities: { cities: [], updatedAtMs: null } };
const newcomer = at("newcomer", {}, NOTHING_YET);
const asNewcomer = { shown: newcomer, isReal: true } as const;

const toCost = async (page: Page): Promise<void> => {
  await press(page, "Join");
  await page.getByRole("button", { name: /^(Yes, join|Join anyway)$/ }).waitFor();
};
const toPassphrase = async (page: Page): Promise<void> => {
  await toCost(page);
  await page.getByRole("button", { name: /^(Yes, join|Join anyway)$/ }).click();
  await page.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
  await page.getByLabel("The same again").fill(`${PASSPHRASE}!`);
};
const toWords = async (page: Page): Promise<void> => {
  await toPassphrase(page);
  await page.getByLabel("The same again").fill(PASSPHRASE);
  await press(page, "Next");
  await readWords(page);
};
const toConfirmation = async (page: Page): Promise<void> => {
  await toWords(page);
  const words = await readWords(page);
  await press(page, "I have written them down");
  await giveWordsBack(page, words);
  await page
    .getByRole("textbox", { name: /^Word \d+$/ })
    .first()
    .fill("nonsense");
  await page
    .getByRole("textbox", { name: /^Word \d+$/ })
    .last()
    .press("Enter");
};
const toRestoring = async (page: Page): Promise<void> => {
  await press(page, "I have my 24 words already");
  await page.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
  await page.getByLabel("The same again").fill(PASSPHRASE);
  await press(page, "Next");
  await page.getByRole("textbox", { name: "Words" }).fill("abandon ability able xyzzy abou");
};
const write = async (page: Page, to: string): Promise<void> => {
  await press(page, "Send");
  await page.getByRole("textbox", { name: "To", exact: true }).fill(to);
};
/** Of a wallet that has an account of its own and money on it. */
const paying = at(
  "active",
  { status: { isAccountUnlocked: false } },
  { balance: withMoney(moments.active), openRequest: moments.candidate["openRequest"] },
);
const request = (moments.candidate["createRequest"] as { readonly request: string }).request;

function withMoney(answers: Answers): unknown {
  const balance = answers["balance"] as { readonly total: string };
  return { ...balance, available: balance.total };
}

const SECTIONS = ["subscriptions", "tunnel", "network", "node", "look", "checks", "diagnostics", "about"] as const;
const WORDS = [
  ..."abandon ability able about above absent absorb abstract absurd abuse access accident".split(" "),
  ..."account accuse achieve acid acoustic acquire across act action actor actress actual".split(" "),
];
const started = { ...newcomer, answers: { ...newcomer.answers, newWords: { words: WORDS } } };

export const scenes: readonly Scene[] = [
  { name: "map-first-run", ...asNewcomer, place: "map", ready: '.connect[data-state="disconnected"]' },
  { name: "map-cities", isAlike: true, shown: at("newcomer"), place: "map/fra", ready: ".city-card" },
  { name: "map-connected", shown: at("connected"), place: "map/fra", ready: '.connect[data-state="connected"]' },
  {
    name: "map-options",
    shown: at("connected"),
    ...{ place: "map", ready: '.connect[data-state="connected"]' },
    act: (page) => page.getByRole("button", { name: /^How traffic is led/ }).click(),
  },
  {
    name: "map-connecting",
    isAlike: true,
    shown: at("newcomer", { tunnel: { state: "connecting", chosen: "auto", mode: "proxy" } }),
    ...{ place: "map", ready: '.connect[data-state="connecting"]' },
  },
  {
    name: "map-failed",
    shown: at("newcomer", { tunnel: { fault: notice("exit-rejected-key"), chosen: "fra", cause: "failed" } }),
    ...{ place: "map/fra", ready: ".connect [data-code]" },
  },
  {
    name: "map-no-helper",
    shown: at("newcomer", { tunnel: { fault: notice("helper-missing"), chosen: "fra", cause: "failed" } }),
    ...{ place: "map/fra", ready: ".connect [data-code]" },
  },
  {
    name: "map-elsewhere",
    isAlike: true,
    shown: at("connected", {
      tunnel: {
        chosen: "msk",
        isWholeDevice: true,
        killSwitch: true,
        notices: [notice("leaves-elsewhere", { chosen: "msk", city: "fra" })],
      },
    }),
    ...{ place: "map/msk", ready: '.connect[data-state="connected"]' },
  },
  {
    name: "map-blocked",
    shown: at("connected", {
      tunnel: {
        ...{ state: "blocked", killSwitch: true, city: null, entry: null, fault: notice("exit-timeout") },
        signInUrl: "http://login.hotel.example/welcome?room=412",
      },
    }),
    ...{ place: "map", ready: '.connect[data-state="blocked"]' },
  },
  {
    name: "map-notices",
    shown: {
      ...at("connected"),
      notices: [
        notice("admitted", { window: 104_221, bonus: "13000000000", account: "ab".repeat(32) }),
        notice("computer-slept", { seconds: 5_400 }),
        notice("progress-not-saved", { errno: "ENOSPC" }),
      ],
    },
    ...{ place: "map", ready: ".toast" },
  },
  {
    name: "map-unanswered",
    isAlike: true,
    shown: { ...at("newcomer"), refusals: { vpnCities: notice("internal") } },
    ...{ place: "map", ready: '.map-side [data-code="internal"]' },
  },

  { name: "join-invitation", isAlike: true, ...asNewcomer, place: "join", ready: ".points" },
  { name: "join-cost", ...asNewcomer, place: "join", ready: ".points", act: toCost },
  { name: "join-passphrase", ...asNewcomer, place: "join", ready: ".points", act: toPassphrase },
  { name: "join-words", shown: started, isReal: true, place: "join", ready: ".points", act: toWords },
  { name: "join-confirmation", shown: started, isReal: true, place: "join", ready: ".points", act: toConfirmation },
  { name: "join-restore", ...asNewcomer, place: "join", ready: ".points", act: toRestoring },
  {
    name: "join-stopped",
    shown: at("candidate", {
      status: { phase: "stopped", nodeState: "none", nodeFault: notice("disk-full"), candidate: null },
    }),
    ...{ place: "join", ready: '[data-code="disk-full"]' },
  },
  {
    name: "join-starting",
    isAlike: true,
    shown: at("candidate", {
      status: {
        ...{ phase: "stopped", nodeState: "starting", candidate: null },
        progress: { what: "snapshot", done: 41_000_000, total: 268_000_000, unit: "bytes" },
      },
    }),
    ...{ place: "join", ready: ".progress" },
  },
  {
    name: "join-begins",
    isAlike: true,
    shown: at("candidate", {
      status: {
        phase: "Bootstrap",
        candidate: null,
        progress: { what: "catch-up", done: 812, total: 20_411, unit: "windows" },
      },
    }),
    ...{ place: "join", ready: ".progress" },
  },
  {
    name: "join-candidate",
    isAlike: true,
    shown: at("candidate", { status: { candidate: CANDIDATE } }),
    place: "join",
    ready: ".chain",
  },
  {
    name: "join-paused",
    isAlike: true,
    shown: at("candidate", { status: { candidate: { ...CANDIDATE, isPaused: true } } }),
    ...{ place: "join", ready: ".chain" },
  },
  {
    name: "join-waiting",
    shown: at("candidate", {
      status: {
        candidate: { ...CANDIDATE, waitsFor: "mains" },
        notices: [
          notice("candidate-chain-restarted", { window: 104_221, cause: "deadline-missed" }),
          notice("deadline-at-risk", { window: 144_541, hoursPerDay: 14.5 }),
        ],
      },
    }),
    ...{ place: "join", ready: ".chain" },
  },
  {
    name: "join-giving-up",
    shown: at("candidate", { status: { candidate: CANDIDATE } }),
    ...{ place: "join", ready: ".chain" },
    act: (page) => press(page, "Give up"),
  },
  { name: "join-queue", shown: at("registered"), place: "join", ready: ".facts" },
  {
    name: "join-queue-by-lot",
    isAlike: true,
    shown: at("registered", {
      status: { queue: { position: null, length: 21, nextDrawWindow: 120, expectedWindow: 12_345 } },
    }),
    ...{ place: "join", ready: ".facts" },
  },
  { name: "join-welcome", shown: at("admitted"), place: "join", ready: '[data-moment="welcome"]' },
  { name: "join-active", shown: { ...at("active"), hasSeenAll: true }, place: "join", ready: ".strip" },

  { name: "wallet-without-node", ...asNewcomer, place: "wallet", ready: ".empty" },
  { name: "wallet-empty", shown: at("candidate"), place: "wallet", ready: ".balance" },
  {
    name: "wallet-bonus",
    shown: at("admitted"),
    place: "wallet",
    ready: ".balance",
    act: (page) => press(page, "Show the ways"),
  },
  { name: "wallet-history", isAlike: true, shown: at("active"), place: "wallet", ready: ".history-row" },
  {
    name: "wallet-ended",
    shown: at("active", {}, { history: { entries: endedEntries(), hasMore: true } }),
    ...{ place: "wallet", ready: ".history-row" },
  },
  {
    name: "wallet-send",
    isAlike: true,
    shown: paying,
    ...{ place: "wallet", ready: ".history-row" },
    act: (page) => write(page, "mt1nonsense"),
  },
  {
    name: "wallet-send-request",
    shown: paying,
    ...{ place: "wallet", ready: ".history-row" },
    act: async (page) => {
      await write(page, request);
      await page.locator(".dialog .notice").waitFor();
    },
  },
  {
    name: "wallet-send-check",
    shown: paying,
    ...{ place: "wallet", ready: ".history-row" },
    act: async (page) => {
      await write(page, request);
      await page.locator(".dialog .notice").waitFor();
      await press(page, "Check");
    },
  },
  {
    name: "wallet-unlock",
    shown: { ...paying, refusals: { unlock: notice("wrong-passphrase") } },
    ...{ place: "wallet", ready: ".history-row" },
    act: async (page) => {
      await press(page, "Unlock");
      await page.getByLabel("Passphrase").fill("a wrong one");
      await page.getByLabel("Passphrase").press("Enter");
      await page.locator('.dialog [data-code="wrong-passphrase"]').waitFor();
    },
  },
  {
    name: "wallet-receive",
    shown: paying,
    place: "wallet",
    ready: ".history-row",
    act: (page) => press(page, "Receive"),
  },
  {
    name: "wallet-request",
    shown: at("candidate"),
    ...{ place: "wallet", ready: ".balance" },
    act: async (page) => {
      await press(page, "Receive");
      await press(page, "Make the request");
      await page.locator(".dialog .qr").waitFor();
    },
  },
  {
    name: "wallet-unanswered",
    shown: { ...at("active"), refusals: { balance: notice("io-error"), history: notice("io-error") } },
    ...{ place: "wallet", ready: '[data-code="io-error"]' },
  },

  { name: "network-without-node", ...asNewcomer, place: "network", ready: ".empty" },
  { name: "network", isAlike: true, shown: at("active"), place: "network", ready: ".network-strip" },
  {
    name: "network-table",
    shown: at("active"),
    ...{ place: "network", ready: ".network-strip" },
    act: (page) => press(page, "The windows as a table"),
  },
  {
    name: "network-unanswered",
    isAlike: true,
    shown: { ...at("active"), refusals: { networkView: notice("database-corrupted") } },
    ...{ place: "network", ready: '[data-code="database-corrupted"]' },
  },

  ...SECTIONS.map((section) => ({
    name: `settings-${section}`,
    shown: at("active"),
    ...{ place: `settings/${section}`, ready: `[data-section="${section}"] h2` },
  })),
  {
    name: "link",
    shown: at("newcomer"),
    ...{ place: "map", ready: ".connect" },
    act: async (page) => {
      await page.evaluate('globalThis.openLink("montana://connect/fra")');
      await page.locator(".dialog").waitFor();
    },
  },
];

/** What became of payments that did not settle; the recorded ones all do. */
function endedEntries(): readonly unknown[] {
  const { entries } = moments.active["history"] as { readonly entries: readonly Record<string, unknown>[] };
  const payment = entries.find(({ kind }) => kind === "transfer") ?? {};
  const as = (id: string, change: object): object => ({ ...payment, id, direction: "out", window: null, ...change });
  return [
    as("1", { state: "queued" }),
    as("2", { state: "expired" }),
    as("3", { state: "rejected", reason: "insufficient-balance" }),
    as("4", { state: "cancelled", amount: "123456789012345678901" }),
    ...entries,
  ];
}

/** Where the page says that its host is gone, with what it had said before. */
export const LOST_PLACES = ["map", "join", "wallet", "network", "settings/tunnel"] as const;
export const beforeLost = at("active");
