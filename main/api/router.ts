/** The contract's procedures, each handed to the service that knows the answer. */
import { setImmediate } from "node:timers/promises";

import { tracked, TRPCError } from "@trpc/server";

import { ProtocolError } from "../protocol/errors.ts";
import { API_VERSION, contract, type Output, type Snapshot, type Status } from "./contract.ts";
import { apiError } from "./errors.ts";
import { exitProcedures } from "./exitRouter.ts";
import { identityProcedures } from "./identityRouter.ts";
import { networkProcedures } from "./networkRouter.ts";
import { preferencesProcedures } from "./preferencesRouter.ts";
import {
  NO_NODE,
  type HostService,
  type IdentityService,
  type NodeService,
  type SetupService,
  type WalletService,
} from "./services.ts";
import { pageProcedures } from "./pageRouter.ts";
import { t, type Context } from "./trpc.ts";
import { vpnProcedures } from "./vpnRouter.ts";

export type { Context } from "./trpc.ts";

/** Subscribers at the same time. */
export const STREAMS_MAX = 32;

const { ping, stop, status, time, inspect, metrics, events, join, leave, pause, resume } = contract;
const {
  settings,
  setSettings,
  unlock,
  lock,
  balance,
  history,
  send,
  cancelOperation,
  sendAgain,
  createRequest,
  openRequest,
} = contract;
const { planKeyChange, changeKey, proveKey, bonusOffer, moveBonus } = contract;
const { writeAnchor, readAnchors, verifyAnchor, check, backup, task, cancelTask } = contract;

const { procedure } = t;

export const router = t.router({
  ping: procedure
    .input(ping.input)
    .output(ping.output)
    .query(({ ctx }) => pong(ctx.host)),
  stop: procedure
    .input(stop.input)
    .output(stop.output)
    .mutation(({ ctx }) => {
      ctx.host.requestStop();
      return {};
    }),
  status: procedure
    .input(status.input)
    .output(status.output)
    .query(({ ctx }) => readStatus(ctx)),
  time: procedure
    .input(time.input)
    .output(time.output)
    .query(({ ctx }) => nodeOf(ctx).time()),
  inspect: procedure
    .input(inspect.input)
    .output(inspect.output)
    .query(({ ctx }) => identityOf(ctx).inspect()),
  metrics: procedure
    .input(metrics.input)
    .output(metrics.output)
    .query(({ ctx }) => ctx.host.metrics()),
  events: procedure.input(events.input).subscription(async function* ({ ctx, input, signal }) {
    if (ctx.streams.open >= STREAMS_MAX) {
      // Said in the wire's own terms, or the client would try again at once and for ever.
      throw new TRPCError({ code: "TOO_MANY_REQUESTS", cause: apiError("too-many-streams", { max: STREAMS_MAX }) });
    }
    const ended = signal === undefined ? ctx.stopping : AbortSignal.any([signal, ctx.stopping]);
    ctx.streams.open++;
    const endFigures = input.figures ? ctx.services().vpn?.watchFigures() : undefined;
    try {
      const following = ctx.events.follow(input.lastEventId ?? input.since, () => takeSnapshot(ctx), ended);
      for await (const event of following) {
        if (event.kind === "tunnel-figures" && !input.figures) continue;
        yield tracked(event.cursor, events.output.parse(event));
      }
    } finally {
      endFigures?.();
      ctx.streams.open--;
    }
  }),

  join: procedure
    .input(join.input)
    .output(join.output)
    .mutation(({ ctx, input }) => finish(nodeOf(ctx).join(input))),
  leave: procedure
    .input(leave.input)
    .output(leave.output)
    .mutation(({ ctx }) => finish(nodeOf(ctx).leave())),
  pause: procedure
    .input(pause.input)
    .output(pause.output)
    .mutation(({ ctx }) => finish(nodeOf(ctx).pause())),
  resume: procedure
    .input(resume.input)
    .output(resume.output)
    .mutation(({ ctx }) => finish(nodeOf(ctx).resume())),

  settings: procedure
    .input(settings.input)
    .output(settings.output)
    .query(({ ctx }) => nodeOf(ctx).settings()),
  setSettings: procedure
    .input(setSettings.input)
    .output(setSettings.output)
    .mutation(({ ctx, input }) => nodeOf(ctx).setSettings(input)),

  unlock: procedure
    .input(unlock.input)
    .output(unlock.output)
    .mutation(async ({ ctx, input }) => {
      await identityOf(ctx).unlock(new TextEncoder().encode(input.passphrase), input.seconds);
      return {};
    }),
  lock: procedure
    .input(lock.input)
    .output(lock.output)
    .mutation(({ ctx }) => {
      identityOf(ctx).lock();
      return {};
    }),

  balance: procedure
    .input(balance.input)
    .output(balance.output)
    .query(({ ctx }) => walletOf(ctx).balance()),
  history: procedure
    .input(history.input)
    .output(history.output)
    .query(({ ctx, input }) => walletOf(ctx).history(input)),
  send: procedure
    .input(send.input)
    .output(send.output)
    .mutation(({ ctx, input }) => walletOf(ctx).send(input)),
  cancelOperation: procedure
    .input(cancelOperation.input)
    .output(cancelOperation.output)
    .mutation(({ ctx, input }) => walletOf(ctx).cancelOperation(input)),
  sendAgain: procedure
    .input(sendAgain.input)
    .output(sendAgain.output)
    .mutation(({ ctx, input }) => walletOf(ctx).sendAgain(input)),
  createRequest: procedure
    .input(createRequest.input)
    .output(createRequest.output)
    .mutation(({ ctx, input }) => walletOf(ctx).createRequest(input)),
  openRequest: procedure
    .input(openRequest.input)
    .output(openRequest.output)
    .query(({ ctx, input }) => walletOf(ctx).openRequest(input)),
  planKeyChange: procedure
    .input(planKeyChange.input)
    .output(planKeyChange.output)
    .query(({ ctx, input }) => walletOf(ctx).planKeyChange(input)),
  changeKey: procedure
    .input(changeKey.input)
    .output(changeKey.output)
    .mutation(({ ctx, input }) => walletOf(ctx).changeKey(input)),
  proveKey: procedure
    .input(proveKey.input)
    .output(proveKey.output)
    .mutation(({ ctx, input }) => walletOf(ctx).proveKey(input)),
  bonusOffer: procedure
    .input(bonusOffer.input)
    .output(bonusOffer.output)
    .query(({ ctx }) => walletOf(ctx).bonusOffer()),
  moveBonus: procedure
    .input(moveBonus.input)
    .output(moveBonus.output)
    .mutation(({ ctx, input }) => walletOf(ctx).moveBonus(input)),

  writeAnchor: procedure
    .input(writeAnchor.input)
    .output(writeAnchor.output)
    .mutation(({ ctx, input }) => walletOf(ctx).writeAnchor(input)),
  readAnchors: procedure
    .input(readAnchors.input)
    .output(readAnchors.output)
    .query(({ ctx, input }) => walletOf(ctx).readAnchors(input)),
  verifyAnchor: procedure
    .input(verifyAnchor.input)
    .output(verifyAnchor.output)
    .query(({ ctx, input }) => walletOf(ctx).verifyAnchor(input)),

  check: procedure
    .input(check.input)
    .output(check.output)
    .mutation(({ ctx }) => {
      const node = nodeOf(ctx);
      return ctx.tasks.start("check", (control) => node.check(control));
    }),
  backup: procedure
    .input(backup.input)
    .output(backup.output)
    .mutation(({ ctx, input }) => {
      const node = nodeOf(ctx);
      return ctx.tasks.start("backup", (control) => node.backup(input.directory, control));
    }),
  task: procedure
    .input(task.input)
    .output(task.output)
    .query(({ ctx, input }) => ctx.tasks.find(input.id)),
  cancelTask: procedure
    .input(cancelTask.input)
    .output(cancelTask.output)
    .mutation(({ ctx, input }) => ctx.tasks.cancel(input.id)),

  ...identityProcedures,
  ...networkProcedures,
  ...preferencesProcedures,
  ...vpnProcedures,
  ...exitProcedures,
  ...pageProcedures,
});

export type Router = typeof router;

function pong({ version, pid, startedAtMs }: HostService): Output<"ping"> {
  return { apiVersion: API_VERSION, version, pid, startedAtMs };
}

/** While the node begins anew nobody knows the balance. */
function unlessDefect(error: unknown): undefined {
  if (!(error instanceof ProtocolError)) throw error;
}

/** Windows are a second apart at the least, and the parts of a status a millisecond. */
const STATUS_ATTEMPTS_MAX = 50;

/** Of the whole host; of what is not there it says so instead of failing. */
export async function readStatus({ host, services }: Pick<Context, "host" | "services">): Promise<Status> {
  const { node, wallet, identity, setup, preferences, network } = services();
  const { isBackground = false } = host;
  const { hasIdentity, nodeState, nodeFault, progress } = setup?.state ?? stateWithout(node, identity);
  const own = {
    ...{ ...pong(host), ...host.network, isBackground, hasIdentity, nodeState, nodeFault },
    isAccountUnlocked: identity?.isUnlocked ?? false,
    silentNodes: network?.silentNodes ?? [],
  };
  if (node === undefined)
    return { ...own, ...NO_NODE, progress, notices: [...(preferences?.notices ?? [])], balance: null };
  for (let attempt = 1; ; attempt++) {
    const [known, money] = await Promise.all([node.status(), wallet?.balance().catch(unlessDefect)]);
    // A window may close in between; what is shown together is of one window.
    const isOne = money === undefined || money.window === known.window;
    if (isOne || attempt === STATUS_ATTEMPTS_MAX)
      return {
        ...own,
        ...known,
        notices: [...known.notices, ...(preferences?.notices ?? [])],
        balance: isOne ? (money?.total ?? null) : null,
      };
    await setImmediate();
  }
}

/** Where nothing is set up while it runs: a command on stored data. */
function stateWithout(node: NodeService | undefined, identity: IdentityService | undefined): SetupService["state"] {
  const nodeState = node === undefined ? "none" : "running";
  return { hasIdentity: identity !== undefined, nodeState, nodeFault: null, progress: null };
}

async function takeSnapshot(context: Context): Promise<Snapshot> {
  const tunnel = context.services().vpn?.status() ?? null;
  return { status: await readStatus(context), tasks: context.tasks.all, tunnel };
}

async function finish(work: Promise<void>): Promise<Record<string, never>> {
  await work;
  return {};
}

function nodeOf({ services }: Context): NodeService {
  const { node } = services();
  if (node === undefined) throw apiError("service-unavailable", { service: "node" });
  return node;
}

function identityOf({ services }: Context): IdentityService {
  const { identity } = services();
  if (identity === undefined) throw apiError("service-unavailable", { service: "identity" });
  return identity;
}

function walletOf({ services }: Context): WalletService {
  const { wallet } = services();
  if (wallet === undefined) throw apiError("service-unavailable", { service: "wallet" });
  return wallet;
}
