/** The procedures about the program itself: what the person chose, and what helps whoever helps. */
import { apiError } from "./errors.ts";
import { historyCsvPage } from "./historyCsv.ts";
import { preferencesContract as contract } from "./preferencesContract.ts";
import type { PreferencesService } from "./services.ts";
import { t, type Context } from "./trpc.ts";

const { procedure } = t;

export const preferencesProcedures = {
  preferences: procedure
    .input(contract.preferences.input)
    .output(contract.preferences.output)
    .query(({ ctx }) => preferencesOf(ctx).read()),
  setPreferences: procedure
    .input(contract.setPreferences.input)
    .output(contract.setPreferences.output)
    .mutation(({ ctx, input }) => preferencesOf(ctx).change(input)),
  diagnostics: procedure
    .input(contract.diagnostics.input)
    .output(contract.diagnostics.output)
    .query(({ ctx }) => {
      const { diagnostics } = ctx.services();
      if (diagnostics === undefined) throw apiError("service-unavailable", { service: "diagnostics" });
      return diagnostics();
    }),
  historyCsv: procedure
    .input(contract.historyCsv.input)
    .output(contract.historyCsv.output)
    .query(({ ctx, input }) => {
      const { wallet } = ctx.services();
      if (wallet === undefined) throw apiError("service-unavailable", { service: "wallet" });
      return historyCsvPage(wallet, input);
    }),
};

function preferencesOf({ services }: Context): PreferencesService {
  const { preferences } = services();
  if (preferences === undefined) throw apiError("service-unavailable", { service: "preferences" });
  return preferences;
}
