/** The procedures about networks: which there are, and what the running one does. */
import { apiError } from "./errors.ts";
import { setupOf } from "./identityRouter.ts";
import { networkContract as contract } from "./networkContract.ts";
import type { NetworkService } from "./services.ts";
import { t, type Context } from "./trpc.ts";

const { procedure } = t;

export const networkProcedures = {
  networkView: procedure
    .input(contract.networkView.input)
    .output(contract.networkView.output)
    .query(({ ctx, input }) => networkOf(ctx).view(input)),
  nodeTable: procedure
    .input(contract.nodeTable.input)
    .output(contract.nodeTable.output)
    .query(({ ctx, input }) => networkOf(ctx).nodeTable(input)),
  candidatePool: procedure
    .input(contract.candidatePool.input)
    .output(contract.candidatePool.output)
    .query(({ ctx, input }) => networkOf(ctx).candidatePool(input)),
  recentWindows: procedure
    .input(contract.recentWindows.input)
    .output(contract.recentWindows.output)
    .query(({ ctx, input }) => networkOf(ctx).recentWindows(input)),
  activity: procedure
    .input(contract.activity.input)
    .output(contract.activity.output)
    .query(({ ctx, input }) => networkOf(ctx).activity(input)),
  networks: procedure
    .input(contract.networks.input)
    .output(contract.networks.output)
    .query(({ ctx }) => setupOf(ctx).networks()),
  chooseNetwork: procedure
    .input(contract.chooseNetwork.input)
    .output(contract.chooseNetwork.output)
    .mutation(({ ctx, input }) => setupOf(ctx).chooseNetwork(input)),
  addNetwork: procedure
    .input(contract.addNetwork.input)
    .output(contract.addNetwork.output)
    .mutation(({ ctx, input }) => setupOf(ctx).addNetwork(input)),
};

function networkOf({ services }: Context): NetworkService {
  const { network } = services();
  if (network === undefined) throw apiError("service-unavailable", { service: "node" });
  return network;
}
