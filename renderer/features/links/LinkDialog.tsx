/** Asks before anything comes of a link that was opened elsewhere. Only the desktop app hands links over. */
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import type { Bridge } from "../../../preload/bridge.ts";
import { useCall } from "../../store/calls.ts";
import { useIsStale } from "../../store/hostStore.ts";
import { go } from "../../store/place.ts";
import { useQueryOf } from "../../store/queries.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { Failure } from "../../ui/notices.tsx";
import { handPayment } from "../wallet/handedPayment.ts";
import { shortAddress } from "../wallet/payment.ts";
import { readLink, type LinkWish } from "./links.ts";

const bridge = (): Bridge | undefined => (globalThis as { readonly montana?: Bridge }).montana;

export function LinkDialog() {
  const [link, setLink] = useState<string>();
  useEffect(() => bridge()?.onLink(setLink), []);
  return link === undefined ? null : <Asked key={link} link={link} onClose={() => setLink(undefined)} />;
}

function Asked({ link, onClose }: { link: string; onClose: () => void }) {
  const { t } = useTranslation("links");
  const isLost = useIsStale();
  const connect = useCall("vpnConnect");
  const add = useCall("vpnImport");
  const wish = readLink(link);
  const sentence = useSentence(wish);
  const carryOut = async (): Promise<void> => {
    if (wish.kind === "connect") {
      // What becomes of it the map shows while it happens.
      go("map");
      if ((await connect.run({ city: wish.city })) !== undefined) onClose();
    } else if (wish.kind === "pay") {
      go("wallet");
      handPayment(wish.to);
      onClose();
    } else if ((await add.run({ text: link })) !== undefined) {
      go("settings");
      onClose();
    }
  };
  const isKnown = wish.kind !== "unknown";
  const isRunning = connect.isRunning || add.isRunning;
  return (
    <Dialog
      title={t("title")}
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>{t(isKnown ? "refuse" : "close")}</Button>
          {isKnown && (
            <Button kind="main" isDisabled={isLost || isRunning} onPress={() => void carryOut()}>
              {t(wish.kind)}
            </Button>
          )}
        </>
      }
    >
      <p>{sentence}</p>
      {isKnown && <p className="quiet">{t("hint")}</p>}
      <Failure failure={connect.failure ?? add.failure} />
    </Dialog>
  );
}

function useSentence(wish: LinkWish): string {
  const { t, i18n } = useTranslation("links");
  const cities = useQueryOf("vpnCities", undefined).value?.cities ?? [];
  if (wish.kind === "unknown") return t("unknownText");
  if (wish.kind === "pay") return wish.isRequest ? t("payRequestText") : t("payText", { to: shortAddress(wish.to) });
  if (wish.kind === "import") return wish.from === "vless" ? t("importKeyText") : t("importText", { from: wish.from });
  if (wish.city === "auto") return t("connectBestText");
  const name = cities.find(({ id }) => id === wish.city)?.name;
  const city = name?.[i18n.language === "ru" ? "ru" : "en"] ?? wish.city.toUpperCase();
  return t("connectText", { city });
}
