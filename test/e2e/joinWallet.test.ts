/** The first steps of a newcomer and a payment, as two people do them in two browsers, with real hosts on a small network. */
import { readFile } from "node:fs/promises";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { PASSPHRASE } from "../../main/app/cli.fixture.ts";
import { go, noPage, openPage, startBrowser } from "./openedPage.ts";
import { clientOf, startSmallNetwork, type SmallNetwork } from "./smallNetwork.ts";
import { giveWordsBack, readWords } from "./words.ts";

const START_MS_MAX = 120_000;
const JOURNEY_MS_MAX = 240_000;
/** Longer than a test looks at it. */
const TAU2_WINDOWS = 60;

describe.skipIf(noPage !== undefined)("a newcomer and a founder", () => {
  let network: SmallNetwork;
  let browser: Browser;
  let newcomer: Page;

  beforeAll(async () => {
    [network, browser] = await Promise.all([startSmallNetwork(TAU2_WINDOWS), startBrowser()]);
    newcomer = (await openPage(browser, network.newcomer)).page;
  }, START_MS_MAX);

  afterAll(async () => {
    await browser.close();
    await network.end();
  }, START_MS_MAX);

  /** Writes a document's fingerprint down, saves the proof, and has both checked. */
  const provesDocument = async (page: Page): Promise<void> => {
    const document = { name: "letter.txt", mimeType: "text/plain", buffer: Buffer.from("abc") };
    const choose = async (button: string, file: typeof document | string): Promise<void> => {
      const chooser = page.waitForEvent("filechooser");
      await press(page, button);
      await (await chooser).setFiles(file);
    };
    await press(page, "Prove that a document existed");
    await choose("Choose a document", document);
    await press(page, "Write its fingerprint down");
    await page.locator("[data-document]").waitFor({ timeout: JOURNEY_MS_MAX });
    const save = page.getByRole("button", { name: "Save the proof" });
    await save.waitFor({ timeout: JOURNEY_MS_MAX });
    const download = page.waitForEvent("download");
    await save.click();
    const proof = { ...document, name: "proof.txt", buffer: await readFile(await (await download).path()) };
    await choose("Choose the document", document);
    await choose("Choose the proof", proof);
    await page.locator('[data-verdict="true"]').waitFor();
    await choose("Choose the document", { ...document, buffer: Buffer.from("abd") });
    await choose("Choose the proof", proof);
    await page.locator('[data-verdict="false"]').waitFor();
  };
  const press = (page: Page, name: string | RegExp): Promise<void> =>
    page.getByRole("button", { name, exact: true }).click();

  test(
    "is told the cost, writes down words, gives three of them back, and sees the chain advance, also after a reload",
    async () => {
      await go(newcomer, "join");
      await press(newcomer, "Join");
      const agree = newcomer.getByRole("button", { name: /^(Yes, join|Join anyway)$/ });
      await agree.waitFor();
      await agree.click();

      await newcomer.getByLabel("Passphrase", { exact: true }).fill("12345678");
      await newcomer.getByText(/^Weak/).waitFor();
      await newcomer.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
      await newcomer.getByLabel("The same again").fill(PASSPHRASE);
      await press(newcomer, "Next");

      const words = await readWords(newcomer);
      expect(words).toHaveLength(24);
      await press(newcomer, "I have written them down");
      expect(await newcomer.locator(".words").count()).toBe(0);
      const asked = await newcomer.getByRole("textbox", { name: /^Word \d+$/ }).all();
      expect(asked).toHaveLength(3);
      for (const field of asked) await field.fill("nonsense");
      await press(newcomer, "Make my identity and begin");
      await newcomer
        .getByText(/^This is not word \d+\.$/)
        .first()
        .waitFor();
      await giveWordsBack(newcomer, words);
      await press(newcomer, "Make my identity and begin");

      const chain = newcomer.getByRole("progressbar", { name: "Windows of the chain" });
      await chain.waitFor({ timeout: JOURNEY_MS_MAX });
      const valueOf = async (): Promise<number> => Number(await chain.getAttribute("aria-valuenow"));
      const before = await valueOf();
      await expect.poll(valueOf, { timeout: JOURNEY_MS_MAX }).toBeGreaterThan(before);
      // Nothing of the words and of the passphrase is left in the page.
      const left = await newcomer.content();
      expect(left).not.toContain(words.slice(0, 3).join(" "));
      expect(left).not.toContain(PASSPHRASE);
      expect(newcomer.url()).not.toMatch(/word|pass/i);

      await press(newcomer, "Pause");
      await newcomer.getByText("Paused", { exact: true }).waitFor();
      await newcomer.reload();
      await newcomer.getByText("Paused", { exact: true }).waitFor();
      await press(newcomer, "Go on");
      await newcomer.getByText("Running", { exact: true }).waitFor();
    },
    JOURNEY_MS_MAX,
  );

  test(
    "the one gives an account request, the other pays it after unlocking, and both see it in their histories",
    async () => {
      await go(newcomer, "wallet");
      await press(newcomer, "Receive");
      await newcomer.getByLabel("Amount in Ɉ").fill("1.000000001");
      await press(newcomer, "Make the request");
      await newcomer.getByRole("img", { name: /^Picture 1 of/ }).waitFor();
      const { request } = await (await clientOf(network.newcomer)).createRequest.mutate({ amount: "1000000001" });

      const { page: founder } = await openPage(browser, network.founder);
      await go(founder, "wallet");
      await press(founder, "Send");
      const to = founder.getByRole("textbox", { name: "To", exact: true });
      await to.fill("mt1nonsense");
      await founder.getByText(/This is no address|The address/).waitFor();
      await press(founder, "Cancel");

      // As the desktop app hands over what the system was asked to open.
      await founder.addInitScript(() => {
        const page = globalThis as unknown as LinkedPage;
        page.montana = {
          onLink(listener) {
            page.openLink = listener;
            return () => undefined;
          },
        };
      });
      await founder.reload();
      await founder.locator("[data-balance]").waitFor();
      await founder.evaluate((link) => (globalThis as unknown as LinkedPage).openLink(link), request);
      await press(founder, "To the payment");
      expect(await to.inputValue()).toBe(request);
      await founder.getByText("It asks for 1.000000001 Ɉ.").waitFor();
      await press(founder, "Check");
      await founder.getByText("Send 1.000000001 Ɉ?").waitFor();
      await founder.getByText("This creates the receiver's account").waitFor();
      await press(founder, "Send it");
      await founder.getByLabel("Passphrase").fill(PASSPHRASE);
      await founder
        .getByRole("dialog", { name: "Unlock your account" })
        .getByRole("button", { name: "Unlock" })
        .click();
      await founder.locator("[data-operation]").waitFor();
      await founder.locator('[data-operation="settled"]').waitFor({ timeout: JOURNEY_MS_MAX });
      await press(founder, "Done");
      await founder.getByText("Payments", { exact: true }).click();
      const sent = founder.locator('.history-row[data-title="created"]');
      await sent.getByText("−1.000000001").waitFor();
      const download = founder.waitForEvent("download");
      await press(founder, "Export CSV");
      expect((await download).suggestedFilename()).toBe("montana-history.csv");

      await provesDocument(founder);

      await press(newcomer, "Close");
      await newcomer.locator('.history-row[data-title="activated"]').getByText("+1.000000001").waitFor();
      expect(await newcomer.locator("[data-balance]").getAttribute("data-balance")).toBe("1000000001");
    },
    JOURNEY_MS_MAX,
  );
});

/** The parts of the page's window that a shell gives it, and this test keeps. */
interface LinkedPage {
  montana: { onLink(listener: (link: string) => void): () => void };
  openLink: (link: string) => void;
}
