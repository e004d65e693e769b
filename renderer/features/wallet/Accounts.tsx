import { useTranslation } from "react-i18next";

import type { Answer } from "../../store/api.ts";
import { Amount, Badge, Card, Copy } from "../../ui/show.tsx";

export type Account = Answer<"balance">["accounts"][number];

export const ROLE_NAMES = { account: "roleAccount", node: "roleNode" } as const satisfies Record<
  Account["role"],
  string
>;
const ROLE_HINTS = { account: "roleAccountWhat", node: "roleNodeWhat" } as const;

export function Accounts({ accounts }: { accounts: readonly Account[] }) {
  const { t } = useTranslation("wallet");
  return (
    <Card title={t("accounts")}>
      <ul className="accounts">
        {accounts.map(({ role, address, exists, balance }) => (
          <li key={role}>
            <div className="spread">
              <h3>{t(ROLE_NAMES[role])}</h3>
              {exists ? <Amount value={balance} /> : <Badge>{t("notThere")}</Badge>}
            </div>
            <p className="quiet small">{exists ? t(ROLE_HINTS[role]) : t("notThereWhat")}</p>
            <div className="spread">
              <span className="mono account-address" translate="no">
                {address}
              </span>
              <Copy text={address} />
            </div>
          </li>
        ))}
      </ul>
    </Card>
  );
}
