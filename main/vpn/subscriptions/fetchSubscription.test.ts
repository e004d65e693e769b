import { createServer, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { setDefaultCACertificates } from "node:tls";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";

import { DECOY_NAME, startDecoy, type TestDecoy } from "../../xray/mesh.fixture.ts";
import { fetchSubscription, FETCH_TIMEOUT } from "./fetchSubscription.ts";
import { startSubscriptionServer, type SubscriptionServer } from "./subscriptions.fixture.ts";
import { directTransport, tunnelTransport, type Answer, type Transport } from "./transport.ts";

let server: SubscriptionServer;
let proxy: Server;
let site: TestDecoy;
const seenByProxy: string[] = [];

beforeAll(async () => {
  server = await startSubscriptionServer();
  site = await startDecoy();
  // As the tunnel's local port: absolute addresses are forwarded, CONNECT opens a way.
  proxy = createServer((request, response) => {
    seenByProxy.push(request.url!);
    response.writeHead(200).end("through the tunnel");
  });
  proxy.on("connect", (request, socket, head) => {
    seenByProxy.push(`CONNECT ${request.url}`);
    const to = connect(site.port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      to.write(head);
      to.pipe(socket).pipe(to);
    });
    to.on("error", () => socket.destroy());
    socket.on("error", () => to.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
});
afterAll(() => {
  server.close();
  proxy.closeAllConnections();
  proxy.close();
});
afterEach(() => vi.useRealTimers());

const fails = (url: string, code: string, transport: Transport = directTransport): Promise<void> =>
  expect(fetchSubscription(url, null, transport)).rejects.toThrow(expect.objectContaining({ code }));

test("a body comes with its tag and headers, and asks in a way that tells nobody apart", async () => {
  server.reply = () => ({ status: 200, headers: { etag: '"a1"', "Profile-Title": "Home" }, body: "vless://" });
  const fetched = await fetchSubscription(server.url, null, directTransport);
  expect(fetched).toMatchObject({ kind: "body", body: "vless://", etag: '"a1"' });
  expect(fetched.headers.get("profile-title")).toBe("Home");
  const { headers } = server.requests.at(-1)!;
  expect(Object.keys(headers).sort()).toEqual(["accept", "accept-encoding", "connection", "host", "user-agent"]);
  expect(headers["user-agent"]).toBe("Montana");
});

test("a tag is sent back, and 304 says that nothing changed", async () => {
  server.reply = (_, headers) => ({ status: headers["if-none-match"] === '"a1"' ? 304 : 200, body: "" });
  expect((await fetchSubscription(server.url, '"a1"', directTransport)).kind).toBe("unchanged");
  await fails("ftp://127.0.0.1/", "subscription-address-invalid");
});

test("redirections are followed three times, and never from https to http", async () => {
  server.reply = (path) =>
    path === "/end"
      ? { status: 200, body: "there" }
      : { status: 302, headers: { location: path === "/vpn/sub" ? "/next" : "/end" } };
  expect(await fetchSubscription(server.url, null, directTransport)).toMatchObject({ body: "there" });
  server.reply = () => ({ status: 302, headers: { location: "/again" } });
  await fails(server.url, "subscription-redirected");
  const down: Transport = () => Promise.resolve(answer(302, { location: server.url }));
  await fails("https://sub.example/", "subscription-redirected", down);
});

const answer = (status: number, headers: Record<string, string>): Answer => ({
  status,
  headers: new Map(Object.entries(headers)),
  body: Readable.from([]),
  close: () => undefined,
});

test("what is not a usable answer is named", async () => {
  server.reply = () => ({ status: 503 });
  await fails(server.url, "subscription-refused");
  server.reply = () => ({ status: 200, body: Buffer.from([0xff, 0xfe]) });
  await fails(server.url, "subscription-not-text");
  server.reply = () => ({ status: 200, headers: { "content-encoding": "gzip" }, body: "x" });
  await fails(server.url, "subscription-not-text");
  server.reply = () => ({ status: 200, body: Buffer.alloc(4_194_305, "a") });
  await fails(server.url, "subscription-too-large");
  await fails("http://127.0.0.1:1/", "subscription-unreachable");
});

test("an answer that never ends is left after the time that a fetch may take", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const { promise: begun, resolve: hasBegun } = Promise.withResolvers<undefined>();
  server.reply = () => {
    hasBegun(undefined);
    return { status: 200, body: "vless", hangs: true };
  };
  const failed = fails(server.url, "subscription-timeout");
  await begun;
  vi.advanceTimersByTime(FETCH_TIMEOUT);
  await failed;
});

test("through the tunnel http goes as an absolute address, https by CONNECT with the name unresolved", async () => {
  const tunnel = tunnelTransport({ host: "127.0.0.1", port: (proxy.address() as AddressInfo).port });
  const plain = await fetchSubscription("http://sub.example/list", null, tunnel);
  expect(plain).toMatchObject({ body: "through the tunnel" });
  // Whose certificate nobody vouches for is not asked.
  await fails(`https://${DECOY_NAME}/list`, "subscription-unreachable", tunnel);
  setDefaultCACertificates([site.certificate]);
  expect(await fetchSubscription(`https://${DECOY_NAME}/list`, null, tunnel)).toMatchObject({ kind: "body", body: "" });
  await fails("https://other.example/list", "subscription-unreachable", tunnel);
  const direct = fetchSubscription(`https://127.0.0.1:${site.port}/list`, null, directTransport);
  await expect(direct).rejects.toThrow(expect.objectContaining({ params: { errno: "ERR_TLS_CERT_ALTNAME_INVALID" } }));
  expect(seenByProxy).toEqual([
    "http://sub.example/list",
    ...[DECOY_NAME, DECOY_NAME, "other.example"].map((name) => `CONNECT ${name}:443`),
  ]);
});
