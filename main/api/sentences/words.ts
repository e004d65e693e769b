/** What codes mean that stand within a sentence, as `{{cause|word}}`: why a chain began anew, what a host does not run. */

export const enWords = {
  // Why a chain was begun anew, or a place was lost
  "too-slow": "this computer was too slow to finish the last one in time",
  "deadline-missed": "the last one was not finished in time",
  "not-registered-in-time": "the finished one was not registered in time",
  "registration-expired": "its registration waited until it expired",
  "registration-dropped": "the network dropped its registration",
  evicted: "it was absent for too long",
  requested: "as you asked",

  // Why a registration is not taken
  "unsupported-suite": "its key is of a kind that this network does not know",
  "invalid-signature": "its signature is not valid",
  "node-id-already-in-node-table": "this node takes part already",
  "node-id-already-in-candidate-pool": "this node is registered already",
  "operator-account-not-found": "its account does not exist",
  "operator-account-already-node": "its account has a node already",
  "operator-account-already-candidate": "its account has a candidate already",
  "w-start-out-of-range": "its chain began too long ago",
  "vdf-chain-too-short": "its chain is too short by now",
  "entry-closed": "the network takes no candidates now",

  // Why a node signs nothing for a while
  "restored-or-copied": "restored or copied",
  "signed-log-missing": "the log of its signatures is gone",
  "seen-elsewhere": "it was seen on another computer",

  // What a host may lack, and its long works
  node: "node",
  page: "page",
  identity: "identity",
  wallet: "wallet",
  city: "city",
  tunnel: "tunnel",
  preferences: "preferences",
  diagnostics: "diagnostics",
  check: "checking the data",
  backup: "making a backup",
} as const;

export type Words = Readonly<Record<keyof typeof enWords, string>>;

export const ruWords: Words = {
  "too-slow": "компьютер не успевал закончить прежнюю в срок",
  "deadline-missed": "прежняя не закончена в срок",
  "not-registered-in-time": "готовую не успели зарегистрировать в срок",
  "registration-expired": "срок его заявки вышел",
  "registration-dropped": "сеть отбросила его заявку",
  evicted: "он слишком долго отсутствовал",
  requested: "по вашей просьбе",

  "unsupported-suite": "ключ такого вида, которого эта сеть не знает",
  "invalid-signature": "подпись неверна",
  "node-id-already-in-node-table": "этот узел уже участвует",
  "node-id-already-in-candidate-pool": "этот узел уже зарегистрирован",
  "operator-account-not-found": "его счёта нет",
  "operator-account-already-node": "у его счёта уже есть узел",
  "operator-account-already-candidate": "у его счёта уже есть кандидат",
  "w-start-out-of-range": "цепочка началась слишком давно",
  "vdf-chain-too-short": "цепочка уже слишком коротка",
  "entry-closed": "сеть сейчас не принимает кандидатов",

  "restored-or-copied": "личность восстановлена или скопирована",
  "signed-log-missing": "журнала его подписей нет",
  "seen-elsewhere": "его видели на другом компьютере",

  node: "узел",
  page: "страница",
  identity: "личность",
  wallet: "кошелёк",
  city: "город",
  tunnel: "туннель",
  preferences: "настройки",
  diagnostics: "диагностика",
  check: "проверка данных",
  backup: "резервное копирование",
};
