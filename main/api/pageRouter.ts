/** The procedures of the page in a browser, handed to its service. */
import { apiError } from "./errors.ts";
import { pageContract as contract } from "./pageContract.ts";
import type { PageService } from "./services.ts";
import { t, type Context } from "./trpc.ts";

const { procedure } = t;

export const pageProcedures = {
  openPage: procedure
    .input(contract.openPage.input)
    .output(contract.openPage.output)
    .mutation(({ ctx }) => pageOf(ctx).open()),
  pages: procedure
    .input(contract.pages.input)
    .output(contract.pages.output)
    .query(({ ctx }) => pageOf(ctx).status()),
  revokePages: procedure
    .input(contract.revokePages.input)
    .output(contract.revokePages.output)
    .mutation(({ ctx }) => pageOf(ctx).revoke()),
};

function pageOf({ services }: Context): PageService {
  const { page } = services();
  if (page === undefined) throw apiError("service-unavailable", { service: "page" });
  return page;
}
