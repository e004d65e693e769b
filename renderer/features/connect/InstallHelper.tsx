/** Whole-device mode was chosen, and the helper that it needs is not there: here it is asked for, once. */
import { useTranslation } from "react-i18next";

import { useCall } from "../../store/calls.ts";
import { useIsStale } from "../../store/hostStore.ts";
import { Button } from "../../ui/Button.tsx";
import { Failure } from "../../ui/notices.tsx";

export function InstallHelper({ onInstalled }: { readonly onInstalled: () => void }) {
  const { t } = useTranslation("connect");
  const { run, isRunning, failure } = useCall("vpnInstallHelper");
  const isStale = useIsStale();
  const install = async (): Promise<void> => {
    if ((await run()) !== undefined) onInstalled();
  };
  return (
    <div className="stack">
      <div className="row">
        <Button size="small" isDisabled={isStale || isRunning} onPress={() => void install()}>
          {t(isRunning ? "helperInstalling" : "helperInstall")}
        </Button>
      </div>
      <Failure failure={failure} />
    </div>
  );
}
