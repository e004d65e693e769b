/** Takes what a person was given: the address of a list, links, a deep link, or the picture of a QR code. */
import { useState, type ClipboardEvent } from "react";
import { useTranslation } from "react-i18next";
import { FileTrigger } from "react-aria-components";

import type { Notice as Told, Output } from "../../../main/api/contract.ts";
import { useCall } from "../../store/calls.ts";
import { useIsStale } from "../../store/hostStore.ts";
import { PICTURE_TYPES, readPicture } from "../../store/picture.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { TextField } from "../../ui/fields.tsx";
import { formatNumber } from "../../ui/format.ts";
import { Failure, Notice } from "../../ui/notices.tsx";
import { Done } from "./Section.tsx";
import { Skipped } from "./Subscriptions.tsx";
import { useTitleOf } from "./subscriptionTitle.ts";

type Imported = Output<"vpnImport">;

/** `onAdded` comes when cities may be others than before. */
export function AddCities({ onAdded }: { onAdded: () => void }) {
  const { t } = useTranslation("settings");
  const isLost = useIsStale();
  const { run, isRunning, failure, clear } = useCall("vpnImport");
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState<"addEmpty" | "pictureTooLarge" | null>(null);
  const [imported, setImported] = useState<Imported | null>(null);

  const add = async (what: { text: string } | { image: string }): Promise<void> => {
    setImported(null);
    setWrong(null);
    const answer = await run(what);
    if (answer === undefined) return;
    setText("");
    setImported(answer);
    onAdded();
  };
  const addText = (): void => {
    const trimmed = text.trim();
    if (trimmed !== "") return void add({ text: trimmed });
    clear();
    setWrong("addEmpty");
  };
  const addPicture = async (file: File): Promise<void> => {
    const image = await readPicture(file);
    if (image === undefined) {
      clear();
      setWrong("pictureTooLarge");
    } else {
      await add({ image });
    }
  };
  const paste = (event: ClipboardEvent): void => {
    const picture = [...event.clipboardData.files].find(({ type }) => PICTURE_TYPES.includes(type));
    if (picture === undefined) return;
    event.preventDefault();
    void addPicture(picture);
  };

  return (
    <form
      className="stack"
      onPaste={paste}
      onSubmit={(event) => {
        event.preventDefault();
        addText();
      }}
    >
      <TextField
        label={t("addLabel")}
        hint={t("addHelp")}
        error={wrong === "addEmpty" ? t(wrong) : undefined}
        rows={3}
        isMono
        value={text}
        onChange={setText}
        isDisabled={isRunning}
      />
      <div className="row">
        <Button type="submit" kind="main" isDisabled={isLost} isPending={isRunning}>
          {t(isRunning ? "adding" : "add")}
        </Button>
        <FileTrigger
          acceptedFileTypes={PICTURE_TYPES}
          onSelect={(files) => {
            const file = files?.[0];
            if (file !== undefined) void addPicture(file);
          }}
        >
          <Button isDisabled={isLost || isRunning}>{t("addPicture")}</Button>
        </FileTrigger>
      </div>
      {wrong === "pictureTooLarge" && (
        <p role="alert" className="settings-wrong">
          {t(wrong)}
        </p>
      )}
      <Failure failure={failure} />
      <Done>{imported !== null && <Became imported={imported} onClose={() => setImported(null)} />}</Done>
    </form>
  );
}

function Became({ imported, onClose }: { imported: Imported; onClose: () => void }) {
  const { t, i18n } = useTranslation("settings");
  const titleOf = useTitleOf();
  const number = (value: number): string => formatNumber(value, i18n.language);
  switch (imported.kind) {
    case "subscription": {
      const { fault, servers } = imported.subscription;
      if (fault !== null) return <Broken fault={fault} />;
      return <p>{t("addedList", { title: titleOf(imported.subscription), servers: number(servers) })}</p>;
    }
    case "links":
      return (
        <>
          <p>{imported.added === 0 ? t("addedNothing") : t("addedLinks", { formatted: number(imported.added) })}</p>
          <Skipped lines={imported.skipped} />
        </>
      );
    case "connect":
      return <AskToConnect city={imported.city} onClose={onClose} />;
  }
}

function Broken({ fault }: { fault: Told }) {
  const { t } = useTranslation("settings");
  return (
    <>
      <p>{t("addedBroken")}</p>
      <Notice notice={fault} />
    </>
  );
}

/** Any web page can make such a link, so nothing happens without a word of the person. */
function AskToConnect({ city, onClose }: { city: string; onClose: () => void }) {
  const { t } = useTranslation("settings");
  const { run, isRunning, failure } = useCall("vpnConnect");
  const connect = async (): Promise<void> => {
    if ((await run({ city })) !== undefined) onClose();
  };
  return (
    <Dialog
      title={t("connectTitle", { city })}
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>{t("cancel", { ns: "app" })}</Button>
          <Button kind="main" isPending={isRunning} onPress={() => void connect()}>
            {t("connect")}
          </Button>
        </>
      }
    >
      <p>{t("connectBody", { city })}</p>
      <Failure failure={failure} />
    </Dialog>
  );
}
