import { useTranslation } from "react-i18next";

import type { Output } from "../../../main/api/contract.ts";

type City = NonNullable<Output<"networkView">["peers"][number]["city"]>;

/** A city in the page's language; the network gives two. */
export function useNameOf(): (city: City) => string {
  const { i18n } = useTranslation();
  return ({ name }) => (i18n.language === "ru" ? name.ru : name.en);
}
