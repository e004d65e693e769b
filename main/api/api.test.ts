import { randomBytes } from "node:crypto";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { ProtocolError } from "../protocol/errors.ts";
import { call, createClient, follow, noticeOfCall, type Client } from "./client.ts";
import { API_VERSION, BODY_BYTES_MAX, contract, type HostEvent, type Notice } from "./contract.ts";
import { EventRing } from "./events.ts";
import { router, STREAMS_MAX, type Context } from "./router.ts";
import { listenOnSocket, type ApiServer } from "./server.ts";
import type { NodeService, NodeStatus, Services, TaskControl } from "./services.ts";
import { socketFetch } from "./socketFetch.ts";
import { Tasks } from "./tasks.ts";

const HASH = "ab".repeat(32);
const nodeStatus: NodeStatus = {
  phase: "Active",
  window: 7,
  windowAtMs: 1,
  stateRoot: HASH,
  supply: "104000000000",
  peers: 0,
  candidate: null,
  candidacy: null,
  queue: null,
  progress: null,
  unverifiedCandidates: [],
  notices: [],
};

/** A node that answers what a test says. */
function nodeWith(answers: Partial<NodeService>): NodeService {
  const unexpected = (): Promise<never> => Promise.reject(new Error("this test did not expect the call"));
  return {
    status: () => Promise.resolve(nodeStatus),
    time: unexpected,
    join: unexpected,
    leave: unexpected,
    pause: unexpected,
    resume: unexpected,
    settings: unexpected,
    setSettings: unexpected,
    check: unexpected,
    backup: unexpected,
    onChange: () => () => undefined,
    ...answers,
  };
}

let folder: string;
let socket: string;
let server: ApiServer;
let client: Client;
let services: Services;
let defects: unknown[];
let context: Context;
let stopping: AbortController;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "montana-api-"));
  socket = join(folder, "host.sock");
  services = {};
  defects = [];
  stopping = new AbortController();
  const events = new EventRing(16);
  const tasks = new Tasks(
    (task) => events.publish({ kind: "task", payload: task }),
    (defect) => defects.push(defect),
  );
  const host = {
    version: "0.0.0",
    pid: process.pid,
    startedAtMs: 5,
    network: { network: "test", profile: "spec" } as const,
    requestStop: () => stopping.abort(),
    metrics: () => Promise.resolve("montana_up 1\n"),
  };
  context = { host, services: () => services, events, tasks, streams: { open: 0 }, stopping: stopping.signal };
  server = await listenOnSocket(socket, { context, onDefect: (error) => defects.push(error) });
  client = createClient({ url: "http://host/api", fetch: socketFetch(socket) });
});

afterEach(async () => {
  stopping.abort();
  await server.close();
  await rm(folder, { recursive: true });
});

const refusal = async (answer: Promise<unknown>): Promise<Notice> => {
  try {
    await answer;
  } catch (error) {
    return noticeOfCall(error);
  }
  throw new Error("no refusal");
};

/** Follows until `count` events have come. */
const collect = (count: number, onEvent: (event: HostEvent) => void = () => undefined): Promise<HostEvent[]> =>
  new Promise((resolve, reject) => {
    const events: HostEvent[] = [];
    const following = follow(
      client,
      (event) => {
        events.push(event);
        onEvent(event);
        if (events.length < count) return;
        following.stop();
        resolve(events);
      },
      (reason) => reject(new Error(reason?.code ?? "ended")),
    );
  });

describe("the interface", () => {
  it("has exactly the contract's procedures, each of its kind", () => {
    const kinds = Object.entries(router._def.procedures).map(([name, { _def }]) => [name, _def.type]);
    expect(Object.fromEntries(kinds)).toEqual(
      Object.fromEntries(Object.entries(contract).map(([name, { kind }]) => [name, kind])),
    );
  });

  it("says who it is", async () => {
    expect(await client.ping.query()).toEqual({
      apiVersion: API_VERSION,
      version: "0.0.0",
      pid: process.pid,
      startedAtMs: 5,
    });
  });

  it("has a status without a node, and says of everything else what is missing", async () => {
    expect(await client.status.query()).toMatchObject({ phase: "stopped", window: null, supply: null });
    expect(await refusal(client.time.query())).toEqual({ code: "service-unavailable", params: { service: "node" } });
    expect(await refusal(client.balance.query())).toMatchObject({ params: { service: "wallet" } });
    expect(await refusal(client.inspect.query())).toMatchObject({ params: { service: "identity" } });
  });

  it("puts the node's part into the status", async () => {
    services = { node: nodeWith({}) };
    expect(await client.status.query()).toMatchObject({ ...nodeStatus, network: "test", pid: process.pid });
  });

  it("hands errors of services on as code and params, large numbers as text", async () => {
    services = {
      node: nodeWith({ pause: () => Promise.reject(new ProtocolError("not-joining", { window: 2n ** 60n, n: 1 })) }),
    };
    expect(await refusal(client.pause.mutate())).toEqual({
      code: "not-joining",
      params: { window: "1152921504606846976", n: 1 },
    });
    await expect(call(client.pause.mutate())).rejects.toBeInstanceOf(ProtocolError);
    expect(defects).toEqual([]);
  });

  it("keeps the detail of a defect for the log", async () => {
    services = { node: nodeWith({ pause: () => Promise.reject(new Error("secret detail")) }) };
    expect(await refusal(client.pause.mutate())).toEqual({ code: "internal", params: {} });
    expect(defects).toMatchObject([{ message: "secret detail" }]);
  });

  it("does not let an answer through that the contract does not know", async () => {
    services = { node: nodeWith({ status: () => Promise.resolve({ ...nodeStatus, supply: "-1" }) }) };
    expect(await refusal(client.status.query())).toEqual({ code: "internal", params: {} });
  });

  it("names the field and the reason of an input that it refuses", async () => {
    expect(await refusal(client.send.mutate({ to: "x", amount: "-1" }))).toMatchObject({
      code: "invalid-input",
      params: { field: "amount" },
    });
    expect(await refusal(client.send.mutate({ amount: "1" }))).toMatchObject({
      code: "invalid-input",
      params: { field: "input", reason: "needs either `to` or `request`" },
    });
    expect(await refusal(client.history.query({ limit: 201 }))).toMatchObject({ params: { field: "limit" } });
  });

  it("is reached through a socket that is its owner's alone", async () => {
    expect((await stat(socket)).mode & 0o777).toBe(0o600);
  });

  it("says that the host is lost when nobody answers", async () => {
    const nobody = createClient({ url: "http://host/api", fetch: socketFetch(join(folder, "none.sock")) });
    expect(await refusal(nobody.ping.query())).toEqual({ code: "host-lost", params: {} });
  });
});

describe("a hostile client", () => {
  const raw = (path: string, method: string, body: string): Promise<{ status: number | undefined; body: string }> =>
    new Promise((resolve, reject) => {
      const outgoing = request(
        { socketPath: socket, path, method, headers: { "content-type": "application/json" }, agent: false },
        (incoming) => {
          let text = "";
          incoming.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
          incoming.on("end", () => resolve({ status: incoming.statusCode, body: text }));
        },
      );
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  const noticeIn = ({ body }: { body: string }): unknown =>
    (JSON.parse(body) as { error: { data: { notice: unknown } } }).error.data.notice;

  it("gets garbage refused, and the next one is answered", async () => {
    const garbage = new Promise<void>((resolve) => {
      const connection = connect(socket, () => connection.write(randomBytes(4096)));
      connection.on("error", () => undefined);
      connection.on("close", () => resolve());
      connection.resume();
    });
    await garbage;
    expect(noticeIn(await raw("/api/pause", "POST", "{not json"))).toMatchObject({ code: "invalid-input" });
    expect(noticeIn(await raw("/api/nothing", "GET", ""))).toEqual({
      code: "procedure-unknown",
      params: { procedure: "nothing" },
    });
    expect((await raw("/", "GET", "")).status).toBe(404);
    expect(await client.ping.query()).toMatchObject({ apiVersion: API_VERSION });
  });

  it("gets too large a body refused", async () => {
    const answer = raw("/api/unlock", "POST", JSON.stringify("x".repeat(BODY_BYTES_MAX)));
    expect(noticeIn(await answer)).toEqual({ code: "body-too-large", params: { max: BODY_BYTES_MAX } });
  });

  it("cannot follow the events more often than the bound", async () => {
    context.streams.open = STREAMS_MAX;
    const ended = new Promise<Notice | undefined>((resolve) => {
      follow(client, () => undefined, resolve);
    });
    expect(await ended).toEqual({ code: "too-many-streams", params: { max: STREAMS_MAX } });
  });
});

describe("events", () => {
  const window = (n: number) => ({ code: "test", params: { n } });
  const publish = (...numbers: number[]): void => {
    for (const n of numbers) context.events.publish({ kind: "notice", payload: window(n) });
  };

  it("begin with a snapshot and go on in order", async () => {
    publish(1, 2);
    const events = await collect(4, ({ kind }) => {
      if (kind === "snapshot") publish(3, 4, 5);
    });
    expect(events.map(({ kind, seq }) => [kind, seq])).toEqual([
      ["snapshot", 2],
      ["notice", 3],
      ["notice", 4],
      ["notice", 5],
    ]);
    await expect.poll(() => context.streams.open).toBe(0);
  });

  it("end with the host", async () => {
    const ended = new Promise((resolve) => {
      follow(client, () => stopping.abort(), resolve);
    });
    expect(await ended).toBeUndefined();
  });

  const snapshot = { status: { ...nodeStatus } } as never;
  const take = async (ring: EventRing, since: string | undefined, count: number): Promise<HostEvent[]> => {
    const end = new AbortController();
    const events: HostEvent[] = [];
    for await (const event of ring.follow(since, () => Promise.resolve(snapshot), end.signal)) {
      if (events.push(event) === count) end.abort();
    }
    return events;
  };
  const kindsAndNumbers = (events: HostEvent[]): unknown[] => events.map(({ kind, seq }) => [kind, seq]);

  it("go on where a subscriber was, without a snapshot", async () => {
    const ring = new EventRing(4);
    const since = ring.cursor;
    for (let n = 1; n <= 4; n++) ring.publish({ kind: "notice", payload: window(n) });
    expect(kindsAndNumbers(await take(ring, since, 4))).toEqual([1, 2, 3, 4].map((n) => ["notice", n]));
  });

  it("begin anew after a gap, with a cursor of another host, and with one from the future", async () => {
    const ring = new EventRing(4);
    const start = ring.cursor;
    for (let n = 1; n <= 5; n++) ring.publish({ kind: "notice", payload: window(n) });
    const ahead = `${ring.cursor.slice(0, 17)}99`;
    for (const since of [start, new EventRing(4).cursor, ahead, undefined]) {
      expect(kindsAndNumbers(await take(ring, since, 1))).toEqual([["snapshot", 5]]);
    }
  });

  it("begin anew for a subscriber that is too slow", async () => {
    const ring = new EventRing(4);
    const since = ring.cursor;
    ring.publish({ kind: "notice", payload: window(0) });
    const seen: unknown[] = [];
    const following = ring.follow(since, () => Promise.resolve(snapshot), new AbortController().signal);
    for await (const { kind, seq } of following) {
      seen.push([kind, seq]);
      if (seen.length === 1) for (let n = 0; n < 9; n++) ring.publish({ kind: "notice", payload: window(n) });
      if (seen.length === 3) break;
      if (kind === "snapshot") ring.publish({ kind: "notice", payload: window(99) });
    }
    expect(seen).toEqual([
      ["notice", 1],
      ["snapshot", 10],
      ["notice", 11],
    ]);
  });
});

describe("a task", () => {
  const running = (control: TaskControl): Promise<never> =>
    new Promise((_, reject) => {
      control.report({ done: 1, total: 3, unit: "records" });
      control.signal.addEventListener("abort", () => reject(new Error("cancelled")));
    });

  it("reports progress as events, then its result", async () => {
    services = {
      node: nodeWith({
        check: (control) => {
          control.report({ done: 3, total: 3, unit: "records" });
          return Promise.resolve({ records: 3 });
        },
      }),
    };
    const events = await collect(4, ({ kind }) => {
      if (kind === "snapshot") void client.check.mutate();
    });
    const tasks = events.flatMap((event) => (event.kind === "task" ? [event.payload] : []));
    expect(tasks.map(({ state, progress }) => [state, progress?.done])).toEqual([
      ["running", undefined],
      ["running", 3],
      ["done", 3],
    ]);
    expect(tasks[2]).toMatchObject({ result: { records: 3 } });
  });

  it("is cancelled on demand, runs once at a time, and is known by its id", async () => {
    services = { node: nodeWith({ backup: (_, control) => running(control) }) };
    const { id } = await client.backup.mutate({ directory: "/b" });
    expect(await refusal(client.backup.mutate({ directory: "/b" }))).toEqual({
      code: "task-running",
      params: { kind: "backup", id },
    });
    expect(await client.cancelTask.mutate({ id })).toMatchObject({ state: "cancelled" });
    expect(await client.task.query({ id })).toMatchObject({ id, state: "cancelled", progress: { done: 1 } });
    expect(await refusal(client.task.query({ id: "none" }))).toMatchObject({ code: "task-unknown" });
  });

  it("that fails says why; a defect goes to the log", async () => {
    services = {
      node: nodeWith({
        check: () => Promise.reject(new ProtocolError("record-damaged", { table: "accounts" })),
        backup: () => Promise.reject(new Error("secret detail")),
      }),
    };
    const check = await client.check.mutate();
    const backup = await client.backup.mutate({ directory: "/b" });
    await expect
      .poll(() => client.task.query({ id: check.id }))
      .toMatchObject({
        state: "failed",
        error: { code: "record-damaged", params: { table: "accounts" } },
      });
    await expect.poll(() => client.task.query({ id: backup.id })).toMatchObject({ error: { code: "internal" } });
    expect(defects).toMatchObject([{ message: "secret detail" }]);
  });
});
