import type { Texts } from "../languages.ts";
import type { map as source } from "../en/map.ts";

export const map: Texts<typeof source, "one" | "few" | "many" | "other"> = {
  title: "Карта",
};
