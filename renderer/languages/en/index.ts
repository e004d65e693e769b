import type { Language } from "../languages.ts";
import { app } from "./app.ts";
import { connect } from "./connect.ts";
import { join } from "./join.ts";
import { links } from "./links.ts";
import { map } from "./map.ts";
import { network } from "./network.ts";
import { settings } from "./settings.ts";
import { wallet } from "./wallet.ts";

/** What all other languages translate. */
export const english = { app, connect, links, map, join, wallet, network, settings } as const;

export const language: Language<"one" | "other"> = { tag: "en", name: "English", texts: english };
