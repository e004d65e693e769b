import { useTranslation } from "react-i18next";

import type { Output } from "../../../main/api/contract.ts";

export type Subscription = Output<"vpnSubscriptions">["subscriptions"][number];

/** As its publisher calls it; else the host that the person entered. That of a network's own list is nobody's to see. */
export function useTitleOf(): (subscription: Subscription) => string {
  const { t } = useTranslation("settings");
  return ({ title, origin, url }) => {
    if (title !== null && title.trim() !== "") return title;
    if (origin === "network") return t("subscriptionsOfNetwork");
    return t("subscriptionsUnnamed", { host: URL.canParse(url) ? new URL(url).hostname : url });
  };
}
