import type { Texts } from "../languages.ts";
import type { app as source } from "../en/app.ts";

export const app: Texts<typeof source, "one" | "few" | "many" | "other"> = {
  title: "Montana",
  skipToContent: "К содержанию",
  navigation: "Разделы",
  navMap: "Карта",
  navJoin: "Участие",
  navWallet: "Кошелёк",
  navNetwork: "Сеть",
  navSettings: "Настройки",

  linkConnecting: "Ищем службу Montana на этом компьютере…",
  linkLost: "Служба Montana перестала отвечать {{age}}. Здесь показано то, что было тогда.",
  linkLostUnheard: "Служба Montana не отвечает. Страница продолжает её искать.",
  linkBack: "Служба Montana снова отвечает.",

  loading: "Загрузка…",
  close: "Закрыть",
  cancel: "Отмена",
  confirm: "Подтвердить",
  retry: "Повторить",
  save: "Сохранить",
  back: "Назад",
  next: "Далее",
  copy: "Скопировать",
  copied: "Скопировано",
  dismiss: "Скрыть",
  more: "Ещё",
  unknown: "неизвестно",
  notices: "Сообщения",

  asOf: "данные: {{age}}",
  staleHint: "С тех пор могло измениться.",
  secondsShort: "{{value}} с",
  millisecondsShort: "{{value}} мс",

  viewFailed: "Этот раздел не удалось показать.",
  viewFailedRemedy: "Остальное работает, туннель и узел тоже. Откройте раздел ещё раз.",
  openAgain: "Открыть снова",

  qrLabel: "QR-код",
};
