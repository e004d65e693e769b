/** Fetches all subscriptions of a folder again and again, until it is killed. */
import { Subscriptions } from "./subscriptions.ts";

const [, , directory = ""] = process.argv;
const subscriptions = new Subscriptions({ directory, tunnel: () => undefined, onChange: () => undefined });
process.stdout.write("begun\n");
for (;;) await subscriptions.refreshAll();
