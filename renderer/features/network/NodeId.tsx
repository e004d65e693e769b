import { useTranslation } from "react-i18next";

import { Badge } from "../../ui/show.tsx";

/** Its beginning; the whole on pointing at it, and for who does not see. */
export function NodeId({ nodeId, isSelf }: { nodeId: string; isSelf: boolean }) {
  const { t } = useTranslation("network");
  return (
    <span className="network-node">
      <span className="mono network-short" title={nodeId}>
        {nodeId}
      </span>
      {isSelf && <Badge tone="good">{t("self")}</Badge>}
    </span>
  );
}
