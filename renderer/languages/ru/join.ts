import type { Texts } from "../languages.ts";
import type { join as source } from "../en/join.ts";

export const join: Texts<typeof source, "one" | "few" | "many" | "other"> = {
  title: "Участие",
};
