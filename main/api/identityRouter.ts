/** The procedures from nothing to a node, handed to the service that sets a host up. */
import { apiError } from "./errors.ts";
import { identityContract as contract } from "./identityContract.ts";
import type { SetupService } from "./services.ts";
import { t, type Context } from "./trpc.ts";

const { procedure } = t;

export const identityProcedures = {
  identity: procedure
    .input(contract.identity.input)
    .output(contract.identity.output)
    .query(({ ctx }) => setupOf(ctx).identity()),
  newWords: procedure
    .input(contract.newWords.input)
    .output(contract.newWords.output)
    .mutation(({ ctx }) => setupOf(ctx).newWords()),
  makeIdentity: procedure
    .input(contract.makeIdentity.input)
    .output(contract.makeIdentity.output)
    .mutation(({ ctx, input }) => setupOf(ctx).makeIdentity(input)),
  startNode: procedure
    .input(contract.startNode.input)
    .output(contract.startNode.output)
    .mutation(async ({ ctx, input }) => {
      await setupOf(ctx).startNode(input);
      return {};
    }),
  stopNode: procedure
    .input(contract.stopNode.input)
    .output(contract.stopNode.output)
    .mutation(async ({ ctx }) => {
      await setupOf(ctx).stopNode();
      return {};
    }),
  speedTest: procedure
    .input(contract.speedTest.input)
    .output(contract.speedTest.output)
    .mutation(({ ctx, input }) => setupOf(ctx).speedTest(input)),
};

export function setupOf({ services }: Context): SetupService {
  const { setup } = services();
  if (setup === undefined) throw apiError("service-unavailable", { service: "identity" });
  return setup;
}
