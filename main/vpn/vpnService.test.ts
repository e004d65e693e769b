import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

import { ProtocolError } from "../protocol/errors.ts";
import type { DesktopProxy } from "./systemProxy/desktop.ts";
import { VpnService } from "./vpnService.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "vpn-service-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

function open(installHelper: () => Promise<undefined>): VpnService {
  const nothing = (): void => undefined;
  return new VpnService({
    ...{ directory, network: { name: "solo" }, installHelper, onChange: nothing, onFigures: nothing },
    desktop: { adapter: undefined } as unknown as DesktopProxy,
    binaries: () => {
      throw new ProtocolError("engine-missing");
    },
  });
}

test("however often the helper is asked for, the person is asked for the password once at a time", async () => {
  let asked = 0;
  let answer = Promise.withResolvers<undefined>();
  const service = open(() => {
    asked++;
    return answer.promise;
  });
  const both = [service.installHelper(), service.installHelper()];
  expect(asked).toBe(1);
  answer.resolve(undefined);
  for (const status of await Promise.all(both)) expect(status.state).toBe("disconnected");

  answer = Promise.withResolvers();
  const refused = service.installHelper();
  answer.reject(new ProtocolError("helper-not-installed", { status: 126, said: "" }));
  await expect(refused).rejects.toMatchObject({ code: "helper-not-installed" });
  answer = Promise.withResolvers();
  answer.resolve(undefined);
  expect((await service.installHelper()).state).toBe("disconnected");
  expect(asked).toBe(3);
});
