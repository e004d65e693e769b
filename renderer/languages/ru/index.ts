import type { Language } from "../languages.ts";
import { app } from "./app.ts";
import { connect } from "./connect.ts";
import { join } from "./join.ts";
import { links } from "./links.ts";
import { map } from "./map.ts";
import { network } from "./network.ts";
import { settings } from "./settings.ts";
import { wallet } from "./wallet.ts";

export const language: Language<"one" | "few" | "many" | "other"> = {
  tag: "ru",
  name: "Русский",
  texts: { app, connect, links, map, join, wallet, network, settings },
};
