/** Leaving the node to a real daemon. */
import { expect, test } from "vitest";

import { reach } from "../attach.ts";
import { HostingGround } from "./hosting.fixture.ts";
import { leaveDaemon } from "./leaving.ts";
import { endHosting } from "./quitting.ts";

test("keeping the node ends the own host and starts a daemon, which the next start attaches to and can stop", async () => {
  const ground = await HostingGround.make();
  const { directory } = ground;
  const common = { status: null, preferences: null, ask: () => Promise.resolve("cancel" as const) };
  const quit = async (decided: "keep" | "stop"): Promise<boolean> => {
    const hosting = await ground.openHosting();
    const leave = (): Promise<void> => leaveDaemon({ directory, environment: {} });
    return endHosting({ ...common, hosting, decided, leaveDaemon: leave });
  };
  try {
    expect(await quit("keep")).toBe(true);
    const daemon = await reach(directory);
    expect(daemon?.pong.pid).not.toBe(process.pid);
    expect(await quit("keep")).toBe(true);
    expect((await reach(directory))?.pong.pid).toBe(daemon?.pong.pid);
  } finally {
    await quit("stop");
    expect(await reach(directory)).toBeUndefined();
    await ground.remove();
  }
});
