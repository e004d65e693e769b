import { useTranslation } from "react-i18next";

import { Button } from "../../ui/Button.tsx";
import { formatNumber } from "../../ui/format.ts";

export interface PagerProps {
  /** Whose pages these are, for who does not see it. */
  readonly what: string;
  readonly range: { readonly first: number; readonly last: number; readonly all: number };
  /** Undefined on the first page. */
  readonly onPrevious: (() => void) | undefined;
  /** Undefined on the last one. */
  readonly onNext: (() => void) | undefined;
}

/** Not there where everything fits on one page. */
export function Pager({ what, range: { first, last, all }, onPrevious, onNext }: PagerProps) {
  const { t, i18n } = useTranslation("network");
  if (onPrevious === undefined && onNext === undefined) return null;
  const number = (value: number): string => formatNumber(value, i18n.language);
  return (
    <div className="spread">
      <span className="quiet small" role="status">
        {t("pagesRange", { first: number(first), last: number(last), all: number(all) })}
      </span>
      <span className="row">
        <Button
          size="small"
          aria-label={t("pagesPreviousOf", { what })}
          isDisabled={onPrevious === undefined}
          onPress={() => onPrevious?.()}
        >
          {t("back", { ns: "app" })}
        </Button>
        <Button
          size="small"
          aria-label={t("pagesNextOf", { what })}
          isDisabled={onNext === undefined}
          onPress={() => onNext?.()}
        >
          {t("next", { ns: "app" })}
        </Button>
      </span>
    </div>
  );
}
