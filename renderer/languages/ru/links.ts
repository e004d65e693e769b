import type { Texts } from "../languages.ts";
import type { links as source } from "../en/links.ts";

export const links: Texts<typeof source, "one" | "few" | "many" | "other"> = {
  title: "Открыта ссылка",
  connectText: "Она просит подключить вас через этот город: {{city}}.",
  connectBestText: "Она просит подключить вас через лучший город.",
  importText:
    "Она просит добавить список городов с {{from}}. Кто ведёт этот список, тот решает, откуда выходит ваш трафик.",
  importKeyText: "Она просит добавить вход в город. Кто его создал, тот решает, откуда выходит ваш трафик.",
  unknownText: "Программа не знает, о чём просит ссылка. Ничего не сделано.",
  hint: "Соглашайтесь, только если ссылку открыли вы сами и доверяете её источнику.",
  connect: "Подключиться",
  import: "Добавить",
  refuse: "Ничего не делать",
  close: "Закрыть",
};
