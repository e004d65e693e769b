import type { Texts } from "../languages.ts";
import type { wallet as source } from "../en/wallet.ts";

export const wallet: Texts<typeof source, "one" | "few" | "many" | "other"> = {
  title: "Кошелёк",
};
