/**
 * The file that brings a browser to the page: whoever starts a browser names what it is to open on a command line, which other
 * users can read; the file's name says nothing to them, and the file is its owner's alone.
 */
import { randomBytes } from "node:crypto";
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

const NAME = /^open-[0-9a-f]{16}\.html$/;

/** Gives its path in `folder`, which is there. `url` is one that this program made. */
export async function writeOpeningFile(folder: string, url: string): Promise<string> {
  const file = join(folder, `open-${randomBytes(8).toString("hex")}.html`);
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url=${url}">
<title>Montana</title>
<p><a href="${url}">Open Montana</a> (this works once, within a minute)</p>
</html>
`;
  await writeFile(file, html, { mode: 0o600, flag: "wx" });
  return file;
}

/** All of them, also what a host left that was killed. */
export async function removeOpeningFiles(folder: string): Promise<void> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => NAME.test(name));
  await Promise.all(names.map((name) => rm(join(folder, name), { force: true })));
}
