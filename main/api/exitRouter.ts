/** The procedures of this machine's own city, handed to its service. */
import { apiError, toNotice } from "./errors.ts";
import { exitContract as contract } from "./exitContract.ts";
import type { Output } from "./contract.ts";
import type { ExitService } from "./services.ts";
import { t, type Context } from "./trpc.ts";

const { procedure } = t;

export const exitProcedures = {
  exitStatus: procedure
    .input(contract.exitStatus.input)
    .output(contract.exitStatus.output)
    .query(async ({ ctx }) => told(await exitOf(ctx).status())),
  exitInit: procedure
    .input(contract.exitInit.input)
    .output(contract.exitInit.output)
    .mutation(async ({ ctx, input }) => {
      const { status, decoy } = await exitOf(ctx).init(input);
      return { status: told(status), decoy };
    }),
  exitRotate: procedure
    .input(contract.exitRotate.input)
    .output(contract.exitRotate.output)
    .mutation(async ({ ctx, input }) => told(await exitOf(ctx).rotate(input))),
  exitWithdraw: procedure
    .input(contract.exitWithdraw.input)
    .output(contract.exitWithdraw.output)
    .mutation(async ({ ctx, input }) => told(await exitOf(ctx).withdraw(input))),
  exitRemove: procedure
    .input(contract.exitRemove.input)
    .output(contract.exitRemove.output)
    .mutation(async ({ ctx }) => told(await exitOf(ctx).remove())),
};

type Status = Awaited<ReturnType<ExitService["status"]>>;

function told({ ports, accounts, rate, notices, ...status }: Status): Output<"exitStatus"> {
  return {
    ...{ ...status, ports: [...ports], accounts: [...accounts] },
    rate: rate && { ...rate, commands: [...rate.commands] },
    notices: notices.map(({ code, params }) => toNotice(code, params)),
  };
}

function exitOf({ services }: Context): ExitService {
  const { exit } = services();
  if (exit === undefined) throw apiError("service-unavailable", { service: "city" });
  return exit;
}
