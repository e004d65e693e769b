/**
 * Networks of real processes, killed and restarted: `node test/integration/cohortMain.ts [WINDOWS] [STORIES]`, 1,000 unless
 * given, for each story, or for those of the given letters (`b`, `ac`). Prints what happens and, in the end, one line of
 * figures a story; 1 as exit code where something did not hold.
 */
import { bootstrapAndNewcomers, fourFounders, play, threeFounders } from "./scenarios.ts";

const CANDIDATES = 5;
const HEAD_START = 300;
const windows = Number(process.argv[2] ?? 1000);
const letters = process.argv[3] ?? "abc";
const say = (line: string): void => console.error(line);
const tau2Windows = BigInt(Math.max(40, Math.floor(windows / 2)));
// As `exit`, which ends the nodes, too.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
let isGood = true;
const stories = {
  a: threeFounders(windows),
  b: fourFounders(windows, CANDIDATES, tau2Windows),
  c: bootstrapAndNewcomers(windows, HEAD_START),
};
for (const [letter, story] of Object.entries(stories)) {
  if (!letters.includes(letter)) continue;
  try {
    console.log(JSON.stringify(await play(story, say)));
  } catch (error) {
    isGood = false;
    console.log(JSON.stringify({ story: story.name, failed: error instanceof Error ? error.message : String(error) }));
  }
}
process.exit(isGood ? 0 : 1);
