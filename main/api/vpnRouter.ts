/** The tunnel's procedures, handed to its service. */
import { apiError } from "./errors.ts";
import type { VpnService } from "./services.ts";
import { t, type Context } from "./trpc.ts";
import { vpnContract as contract } from "./vpnContract.ts";

const { procedure } = t;

export const vpnProcedures = {
  vpnStatus: procedure
    .input(contract.vpnStatus.input)
    .output(contract.vpnStatus.output)
    .query(({ ctx }) => vpnOf(ctx).status()),
  vpnConnect: procedure
    .input(contract.vpnConnect.input)
    .output(contract.vpnConnect.output)
    .mutation(({ ctx, input }) => vpnOf(ctx).connect(input)),
  vpnDisconnect: procedure
    .input(contract.vpnDisconnect.input)
    .output(contract.vpnDisconnect.output)
    .mutation(({ ctx }) => vpnOf(ctx).disconnect()),
  vpnPauseBlock: procedure
    .input(contract.vpnPauseBlock.input)
    .output(contract.vpnPauseBlock.output)
    .mutation(({ ctx, input }) => vpnOf(ctx).pauseBlock(input)),
  vpnInstallHelper: procedure
    .input(contract.vpnInstallHelper.input)
    .output(contract.vpnInstallHelper.output)
    .mutation(({ ctx }) => vpnOf(ctx).installHelper()),
  vpnHistory: procedure
    .input(contract.vpnHistory.input)
    .output(contract.vpnHistory.output)
    .query(({ ctx }) => vpnOf(ctx).history()),
  vpnCities: procedure
    .input(contract.vpnCities.input)
    .output(contract.vpnCities.output)
    .query(({ ctx }) => vpnOf(ctx).cities()),
  vpnTest: procedure
    .input(contract.vpnTest.input)
    .output(contract.vpnTest.output)
    .mutation(({ ctx, input, signal }) => vpnOf(ctx).test(input, signal ?? ctx.stopping)),
  vpnLeaks: procedure
    .input(contract.vpnLeaks.input)
    .output(contract.vpnLeaks.output)
    .mutation(({ ctx }) => vpnOf(ctx).leaks()),
  vpnImport: procedure
    .input(contract.vpnImport.input)
    .output(contract.vpnImport.output)
    .mutation(({ ctx, input }) => vpnOf(ctx).import(input)),
  vpnSubscriptions: procedure
    .input(contract.vpnSubscriptions.input)
    .output(contract.vpnSubscriptions.output)
    .query(({ ctx }) => vpnOf(ctx).subscriptions()),
  vpnAddSubscription: procedure
    .input(contract.vpnAddSubscription.input)
    .output(contract.vpnAddSubscription.output)
    .mutation(({ ctx, input }) => vpnOf(ctx).addSubscription(input)),
  vpnRemoveSubscription: procedure
    .input(contract.vpnRemoveSubscription.input)
    .output(contract.vpnRemoveSubscription.output)
    .mutation(({ ctx, input }) => vpnOf(ctx).removeSubscription(input)),
  vpnRefresh: procedure
    .input(contract.vpnRefresh.input)
    .output(contract.vpnRefresh.output)
    .mutation(({ ctx }) => vpnOf(ctx).refresh()),
  vpnKeys: procedure
    .input(contract.vpnKeys.input)
    .output(contract.vpnKeys.output)
    .query(({ ctx }) => vpnOf(ctx).keys()),
  vpnJudgeKey: procedure
    .input(contract.vpnJudgeKey.input)
    .output(contract.vpnJudgeKey.output)
    .mutation(({ ctx, input }) => vpnOf(ctx).judgeKey(input)),
  vpnSettings: procedure
    .input(contract.vpnSettings.input)
    .output(contract.vpnSettings.output)
    .query(({ ctx }) => vpnOf(ctx).settings()),
  vpnSetSettings: procedure
    .input(contract.vpnSetSettings.input)
    .output(contract.vpnSetSettings.output)
    .mutation(({ ctx, input }) => vpnOf(ctx).setSettings(input)),
  vpnRepair: procedure
    .input(contract.vpnRepair.input)
    .output(contract.vpnRepair.output)
    .mutation(({ ctx, input }) => vpnOf(ctx).repair(input)),
};

function vpnOf({ services }: Context): VpnService {
  const { vpn } = services();
  if (vpn === undefined) throw apiError("service-unavailable", { service: "tunnel" });
  return vpn;
}
