import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { expect, test } from "vitest";

import { choosePort } from "./ports.ts";

test("the preferred port is taken when it is free, another one when it is not", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const other = await choosePort(port);
  expect(other.isPreferred).toBe(false);
  expect(other.port).not.toBe(port);
  server.close();
  await once(server, "close");
  expect(await choosePort(port)).toEqual({ port, isPreferred: true });
});
