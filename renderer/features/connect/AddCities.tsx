/** How cities come to this computer: a link, a subscription, a picture with a QR code. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { FileTrigger } from "react-aria-components";

import { useCall } from "../../store/calls.ts";
import { PICTURE_TYPES, readPicture } from "../../store/picture.ts";
import { go } from "../../store/place.ts";
import { useRefresh } from "../../store/queries.ts";
import type { Answer } from "../../store/api.ts";
import { Button } from "../../ui/Button.tsx";
import { TextField } from "../../ui/fields.tsx";
import { Failure, Notice } from "../../ui/notices.tsx";
import { Copy } from "../../ui/show.tsx";

const PRACTICE_COMMAND = "npm run -s montana -- local start";

/** `isFirst`: there is no city yet, so this is what the view is about. */
export function AddCities({ isFirst = false }: { isFirst?: boolean }) {
  const { t } = useTranslation("connect");
  const [isOpen, setIsOpen] = useState(false);
  if (!isFirst && !isOpen) {
    return (
      <Button size="small" onPress={() => setIsOpen(true)}>
        {t("addMore")}
      </Button>
    );
  }
  return (
    <section className="add-cities">
      <h2>{t(isFirst ? "firstTitle" : "addMore")}</h2>
      {isFirst && <p className="quiet">{t("firstAbout")}</p>}
      <Import />
      {isFirst && (
        <div className="practice">
          <h3>{t("practiceTitle")}</h3>
          <p className="quiet">{t("practiceAbout")}</p>
          <div className="row">
            <code className="mono">{PRACTICE_COMMAND}</code>
            <Copy text={PRACTICE_COMMAND} />
          </div>
        </div>
      )}
    </section>
  );
}

function Import() {
  const { t } = useTranslation("connect");
  const call = useCall("vpnImport");
  const refresh = useRefresh("vpnCities", undefined);
  const [text, setText] = useState("");
  const [isTooLarge, setIsTooLarge] = useState(false);
  const [outcome, setOutcome] = useState<Answer<"vpnImport">>();
  const take = async (input: { text: string } | { image: string }): Promise<void> => {
    setOutcome(undefined);
    const answer = await call.run(input);
    if (answer === undefined) return;
    setOutcome(answer);
    setText("");
    refresh();
    // A link may ask for a city; to connect is the person's to say.
    if (answer.kind === "connect") go(`map/${encodeURIComponent(answer.city)}`);
  };
  const takeImage = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    const image = await readPicture(file);
    setIsTooLarge(image === undefined);
    if (image !== undefined) await take({ image });
  };
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() !== "") void take({ text: text.trim() });
      }}
    >
      <TextField
        label={t("firstLabel")}
        placeholder={t("firstHint")}
        value={text}
        onChange={setText}
        rows={3}
        isMono
        {...(isTooLarge ? { error: t("firstImageTooLarge") } : {})}
      />
      <div className="row">
        <Button type="submit" isDisabled={call.isRunning || text.trim() === ""}>
          {t("firstAdd")}
        </Button>
        <FileTrigger acceptedFileTypes={PICTURE_TYPES} onSelect={(files) => void takeImage(files?.[0])}>
          <Button kind="quiet" isDisabled={call.isRunning}>
            {t("firstImage")}
          </Button>
        </FileTrigger>
      </div>
      <Failure failure={call.failure} />
      <div role="status">{outcome !== undefined && <Outcome outcome={outcome} />}</div>
    </form>
  );
}

function Outcome({ outcome }: { outcome: Answer<"vpnImport"> }) {
  const { t } = useTranslation("connect");
  switch (outcome.kind) {
    case "connect":
      return <p>{t("firstWish", { place: outcome.city })}</p>;
    case "links":
      return (
        <>
          <p>{t("firstAdded", { count: outcome.added })}</p>
          {outcome.skipped.length > 0 && <p>{t("firstSkipped", { count: outcome.skipped.length })}</p>}
        </>
      );
    case "subscription": {
      const { fault, servers, skipped } = outcome.subscription;
      return (
        <>
          {fault !== null && <Notice notice={fault} />}
          <p>{servers === 0 ? t("firstNoServers") : t("firstAdded", { count: servers })}</p>
          {skipped.length > 0 && <p>{t("firstSkipped", { count: skipped.length })}</p>}
        </>
      );
    }
  }
}
