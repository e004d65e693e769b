/** Takes what a person was given: the address of a list, links, a montana: link, or the picture of a QR code. */
import { useState, type ClipboardEvent } from "react";
import { useTranslation } from "react-i18next";
import { FileTrigger } from "react-aria-components";

import type { Output } from "../../../main/api/contract.ts";
import { useCall } from "../../store/calls.ts";
import { useIsStale } from "../../store/hostStore.ts";
import { PICTURE_TYPES, readPicture } from "../../store/picture.ts";
import { go } from "../../store/place.ts";
import { useRefresh } from "../../store/queries.ts";
import { Button } from "../../ui/Button.tsx";
import { Disclosure } from "../../ui/Disclosure.tsx";
import { TextField } from "../../ui/fields.tsx";
import { Failure, Notice } from "../../ui/notices.tsx";
import { SkippedLines } from "./SkippedLines.tsx";

type Imported = Output<"vpnImport">;

export function ImportForm() {
  const { t } = useTranslation("connect");
  const isLost = useIsStale();
  const { run, isRunning, failure, clear } = useCall("vpnImport");
  const refreshCities = useRefresh("vpnCities", undefined);
  const refreshLists = useRefresh("vpnSubscriptions", undefined);
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState<"importEmpty" | "importImageTooLarge" | null>(null);
  const [imported, setImported] = useState<Imported>();

  const take = async (what: { text: string } | { image: string }): Promise<void> => {
    setImported(undefined);
    setWrong(null);
    const answer = await run(what);
    if (answer === undefined) return;
    setText("");
    setImported(answer);
    refreshCities();
    refreshLists();
    // Any web page can make a link that asks for a city; to connect is the person's to say.
    if (answer.kind === "connect") go(`map/${encodeURIComponent(answer.city)}`);
  };
  const refuse = (reason: NonNullable<typeof wrong>): void => {
    clear();
    setImported(undefined);
    setWrong(reason);
  };
  const takeText = async (): Promise<void> => {
    const trimmed = text.trim();
    if (trimmed === "") refuse("importEmpty");
    else await take({ text: trimmed });
  };
  const takePicture = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    const image = await readPicture(file);
    if (image === undefined) refuse("importImageTooLarge");
    else await take({ image });
  };
  const paste = (event: ClipboardEvent): void => {
    const picture = [...event.clipboardData.files].find(({ type }) => PICTURE_TYPES.includes(type));
    if (picture === undefined) return;
    event.preventDefault();
    void takePicture(picture);
  };

  return (
    <form
      className="stack"
      onPaste={paste}
      onSubmit={(event) => {
        event.preventDefault();
        void takeText();
      }}
    >
      <TextField
        label={t("importLabel")}
        hint={t("importHelp")}
        placeholder={t("importHint")}
        value={text}
        onChange={setText}
        rows={3}
        isMono
        isDisabled={isRunning}
        error={wrong === null ? undefined : t(wrong)}
      />
      <div className="row">
        <Button type="submit" isDisabled={isLost || isRunning}>
          {t(isRunning ? "importAdding" : "importAdd")}
        </Button>
        <FileTrigger acceptedFileTypes={PICTURE_TYPES} onSelect={(files) => void takePicture(files?.[0])}>
          <Button kind="quiet" isDisabled={isLost || isRunning}>
            {t("importImage")}
          </Button>
        </FileTrigger>
      </div>
      <Failure failure={failure} />
      <div role="status">{imported !== undefined && <Became imported={imported} />}</div>
    </form>
  );
}

function Became({ imported }: { imported: Imported }) {
  const { t } = useTranslation("connect");
  switch (imported.kind) {
    case "connect":
      return <p>{t("importWish", { place: imported.city })}</p>;
    case "links":
      return (
        <>
          <p>{imported.added === 0 ? t("importNothing") : t("importAdded", { count: imported.added })}</p>
          <Skipped lines={imported.skipped} />
        </>
      );
    case "subscription": {
      const { fault, servers, skipped } = imported.subscription;
      return (
        <>
          {fault !== null && <Notice notice={fault} />}
          <p>{servers === 0 ? t("importNoServers") : t("importAdded", { count: servers })}</p>
          <Skipped lines={skipped} />
        </>
      );
    }
  }
}

function Skipped({ lines }: { lines: Extract<Imported, { kind: "links" }>["skipped"] }) {
  const { t } = useTranslation("connect");
  if (lines.length === 0) return null;
  return (
    <Disclosure title={t("importSkipped", { count: lines.length })}>{() => <SkippedLines lines={lines} />}</Disclosure>
  );
}
