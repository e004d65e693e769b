/** The words of a new identity, as a person writes them down and gives some of them back. */
import type { Page } from "playwright-core";

/** The 24 words that the page shows. */
export async function readWords(page: Page): Promise<readonly string[]> {
  await page.locator(".words li").nth(23).waitFor();
  return page.locator(".words li .mono").allTextContents();
}

/** Fills the fields that ask for some of them, and gives their number. */
export async function giveWordsBack(page: Page, words: readonly string[]): Promise<number> {
  const asked = await page.getByRole("textbox", { name: /^Word \d+$/ }).all();
  for (const field of asked) {
    const name = await field.evaluate((element) => (element as unknown as Labelled).labels[0]?.textContent);
    await field.fill(words[Number(/\d+/.exec(name ?? "")?.[0]) - 1]!);
  }
  return asked.length;
}

/** The part of a field that knows its label; tests know no browser's types. */
interface Labelled {
  readonly labels: readonly { readonly textContent: string }[];
}
