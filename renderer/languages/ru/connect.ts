import type { Texts } from "../languages.ts";
import type { connect as source } from "../en/connect.ts";

export const connect: Texts<typeof source, "one" | "few" | "many" | "other"> = {
  title: "Подключение",
};
