/** Proof that a document existed: its fingerprint is written into the network's history; the document stays where it is. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { FileTrigger } from "react-aria-components";

import type { Notice as Told } from "../../../main/api/contract.ts";
import { ask, failureOf, type Answer } from "../../store/api.ts";
import { useIsStale } from "../../store/hostStore.ts";
import { useQueryOf } from "../../store/queries.ts";
import { Button } from "../../ui/Button.tsx";
import { Disclosure } from "../../ui/Disclosure.tsx";
import { formatNumber } from "../../ui/format.ts";
import { Failure } from "../../ui/notices.tsx";
import { Badge, Card } from "../../ui/show.tsx";
import type { Account } from "./Accounts.tsx";
import { DOCUMENTS_APP, fingerprintOf, proofFileName, readProof, type Fingerprint } from "./documents.ts";
import { saveText } from "./saveText.ts";
import { orderName, useSignedCall } from "./Unlock.tsx";

export function Documents({ accounts }: { accounts: readonly Account[] }) {
  const { t } = useTranslation("wallet");
  return (
    <Card>
      <Disclosure title={t("documents")}>
        {() => (
          <div className="stack">
            <p className="quiet">{t("documentsWhat")}</p>
            <Write canWrite={accounts.some(({ exists }) => exists)} />
            <Written accounts={accounts} />
            <h3>{t("documentsCheck")}</h3>
            <Check />
          </div>
        )}
      </Disclosure>
    </Card>
  );
}

function Write({ canWrite }: { canWrite: boolean }) {
  const { t } = useTranslation("wallet");
  const isStale = useIsStale();
  const [chosen, setChosen] = useState<Fingerprint | null>(null);
  const [said, setSaid] = useState<"documentsTooLarge" | "documentsWritten" | null>(null);
  const write = useSignedCall("writeAnchor", () => {
    setChosen(null);
    setSaid("documentsWritten");
  });
  const choose = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    write.clear();
    const fingerprint = await fingerprintOf(file);
    setChosen(fingerprint ?? null);
    setSaid(fingerprint === undefined ? "documentsTooLarge" : null);
  };
  if (!canWrite) return <p>{t("documentsNoAccount")}</p>;
  return (
    <>
      <div className="row">
        <FileTrigger onSelect={(files) => void choose(files?.[0])}>
          <Button isDisabled={isStale || write.isRunning}>{t("documentsChoose")}</Button>
        </FileTrigger>
        {chosen !== null && (
          <Button
            isDisabled={isStale || write.isRunning}
            onPress={() => void write.run({ appId: DOCUMENTS_APP, dataHash: chosen.hash, order: orderName() })}
          >
            {t("documentsWrite")}
          </Button>
        )}
      </div>
      <div role="status">
        {chosen !== null && <Named fingerprint={chosen} />}
        {said !== null && <p>{t(said)}</p>}
      </div>
      <Failure failure={write.failure} />
      {write.dialog}
    </>
  );
}

function Named({ fingerprint: { name, hash } }: { fingerprint: Fingerprint }) {
  return (
    <p>
      {name}{" "}
      <span className="mono small quiet" translate="no">
        {hash}
      </span>
    </p>
  );
}

/** Of this person alone: an application's anchors are everybody's. */
function Written({ accounts }: { accounts: readonly Account[] }) {
  const { t, i18n } = useTranslation("wallet");
  const { value, failure } = useQueryOf("readAnchors", { appId: DOCUMENTS_APP }, { refreshOn: ["history"] });
  const own = (value?.anchors ?? []).filter(({ sender }) => accounts.some(({ accountId }) => accountId === sender));
  return (
    <>
      <Failure failure={failure} />
      {own.length > 0 && (
        <ul className="history" aria-label={t("documents")}>
          {own.map(({ opHash, dataHash, window, proof }) => (
            <li key={opHash} className="history-row" data-document={dataHash}>
              <div className="history-main">
                <p className="mono small" translate="no">
                  {dataHash}
                </p>
                <p className="quiet small">{t("window", { window: formatNumber(window, i18n.language) })}</p>
              </div>
              {proof === null ? (
                <Badge>{t("documentsNoProof")}</Badge>
              ) : (
                <Button size="small" onPress={() => saveText(proofFileName(dataHash), "text/plain", `${proof}\n`)}>
                  {t("documentsSave")}
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

/** Of a document that anybody gives, with the proof that came with it. */
function Check() {
  const { t, i18n } = useTranslation("wallet");
  const isStale = useIsStale();
  const [document_, setDocument] = useState<Fingerprint | null>(null);
  const [verdict, setVerdict] = useState<Answer<"verifyAnchor"> | null>(null);
  const [wrong, setWrong] = useState<"documentsTooLarge" | "documentsNoProofIn" | null>(null);
  const [failure, setFailure] = useState<Told | null>(null);
  const choose = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    const fingerprint = await fingerprintOf(file);
    setDocument(fingerprint ?? null);
    setVerdict(null);
    setWrong(fingerprint === undefined ? "documentsTooLarge" : null);
  };
  const check = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    setVerdict(null);
    setFailure(null);
    const proof = await readProof(file);
    setWrong(proof === undefined ? "documentsNoProofIn" : null);
    if (proof === undefined) return;
    try {
      setVerdict(await ask("verifyAnchor", { proof }));
    } catch (error) {
      setFailure(failureOf(error));
    }
  };
  const isOfIt = document_ !== null && verdict?.dataHash === document_.hash;
  return (
    <>
      <div className="row">
        <FileTrigger onSelect={(files) => void choose(files?.[0])}>
          <Button size="small">{t("documentsCheckDocument")}</Button>
        </FileTrigger>
        <FileTrigger onSelect={(files) => void check(files?.[0])}>
          <Button size="small" isDisabled={isStale || document_ === null}>
            {t("documentsCheckProof")}
          </Button>
        </FileTrigger>
      </div>
      {document_ !== null && <Named fingerprint={document_} />}
      <div role="status">
        {wrong !== null && <p>{t(wrong)}</p>}
        {verdict !== null && (
          <p data-verdict={verdict.isValid && isOfIt}>
            {!isOfIt
              ? t("documentsOther")
              : verdict.isValid
                ? t("documentsValid", { window: formatNumber(verdict.window, i18n.language) })
                : t("documentsInvalid")}
          </p>
        )}
      </div>
      <Failure failure={failure} />
    </>
  );
}
