/** The part of the contract about the page in a browser: opening it, and shutting out those that were opened before. */
import { z } from "zod";

import { count, mutation, nothing, query } from "./procedure.ts";

export const pageContract = {
  /**
   * A link that opens the page once. Who starts a browser gives it `file`, which leads there and is readable by its owner
   * alone: a command line is read by others. Both end at `untilMs`.
   */
  openPage: mutation(nothing, z.object({ url: z.string(), file: z.string(), untilMs: z.number() })),
  pages: query(
    nothing,
    z.object({
      /** Browser tabs, roughly, that may use the host. */
      sessions: count,
      /** Somebody follows the host's events now, in a browser or otherwise. */
      isWatched: z.boolean(),
    }),
  ),
  /** Ends all sessions; their pages have to be opened anew. */
  revokePages: mutation(nothing, z.object({ ended: count })),
};
