import { useTranslation } from "react-i18next";

export function MapView() {
  const { t } = useTranslation("map");
  return (
    <div className="view">
      <h1>{t("title")}</h1>
    </div>
  );
}
