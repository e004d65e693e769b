/** Which program this is, and what others wrote of it. */
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { useHost } from "../../store/hostStore.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { TextField } from "../../ui/fields.tsx";
import { formatNumber, formatTime } from "../../ui/format.ts";
import { Card, Facts } from "../../ui/show.tsx";
import { Table } from "../../ui/Table.tsx";
import { found, useLicences, type Licences, type Work } from "./licences.ts";

export function About() {
  const { t, i18n } = useTranslation("settings");
  const status = useHost((host) => host.status);
  return (
    <>
      <Card title={t("aboutProgram")}>
        {status !== null && (
          <Facts
            facts={[
              [t("aboutVersion"), status.version],
              [t("aboutProcess"), String(status.pid)],
              [t("aboutSince"), formatTime(status.startedAtMs, i18n.language)],
              [t("aboutNetwork"), status.network ?? t("aboutNoNetwork")],
            ]}
          />
        )}
        <p className="quiet">{t("aboutOwn")}</p>
      </Card>
      <Card title={t("aboutLicences")}>
        <List />
      </Card>
    </>
  );
}

function List() {
  const { t } = useTranslation("settings");
  const licences = useLicences();
  switch (licences) {
    case "loading":
      return <p className="quiet">{t("loading", { ns: "app" })}</p>;
    case "failed":
      return <p className="quiet">{t("aboutLicencesFailed")}</p>;
    default:
      return <Works licences={licences} />;
  }
}

/** More rows than these are found by searching. */
const ROWS_SHOWN_MAX = 50;

function Works({ licences }: { licences: Licences }) {
  const { t, i18n } = useTranslation("settings");
  const [search, setSearch] = useState("");
  const [opened, setOpened] = useState<Work | null>(null);
  const works = found(licences.works, search);
  const number = (value: number): string => formatNumber(value, i18n.language);
  const textOf = ({ text }: Work): string => (text === null ? "" : (licences.texts[text] ?? ""));
  return (
    <>
      <TextField label={t("aboutSearch")} value={search} onChange={setSearch} type="search" />
      <p className="quiet small" role="status">
        {t("aboutFound", { shown: number(Math.min(works.length, ROWS_SHOWN_MAX)), all: number(works.length) })}
      </p>
      <Table
        label={t("aboutLicences")}
        rows={works.slice(0, ROWS_SHOWN_MAX)}
        keyOf={({ name, version, part }) => `${name} ${version} ${part}`}
        columns={[
          { id: "name", name: t("aboutPackage"), cell: ({ name, version }) => `${name} ${version}` },
          { id: "licence", name: t("aboutLicence"), cell: ({ licence }) => licence },
          {
            id: "text",
            name: t("aboutText"),
            cell: (work) =>
              work.text === null ? (
                "–"
              ) : (
                <Button
                  size="small"
                  kind="quiet"
                  aria-label={t("aboutShowNamed", { name: work.name })}
                  onPress={() => setOpened(work)}
                >
                  {t("aboutShow")}
                </Button>
              ),
          },
        ]}
      />
      <Dialog
        title={opened === null ? "" : `${opened.name} ${opened.version}`}
        isOpen={opened !== null}
        onClose={() => setOpened(null)}
        size="wide"
        actions={<Button onPress={() => setOpened(null)}>{t("close", { ns: "app" })}</Button>}
      >
        {opened !== null && (
          <pre className="settings-report" role="region" tabIndex={0} aria-label={opened.licence}>
            {textOf(opened)}
          </pre>
        )}
      </Dialog>
    </>
  );
}
