/** How cities come to this computer: a link, a subscription, a picture with a QR code. */
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Button } from "../../ui/Button.tsx";
import { Copy } from "../../ui/show.tsx";
import { ImportForm } from "./ImportForm.tsx";

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
      <ImportForm />
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
