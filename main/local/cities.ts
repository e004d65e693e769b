/** The cities that the practice network begins with, as in the whitepaper's snapshot, and a relay in front of one of them. */
import { leavesFrom, type LocalCity } from "./record.ts";

type Fixed = Pick<LocalCity, "code" | "node" | "name" | "country"> & Partial<Pick<LocalCity, "fronts" | "relays">>;

const FIRST: readonly Fixed[] = [
  { code: "msk", node: "moscow", name: { en: "Moscow", ru: "Москва" }, country: "RU" },
  { code: "fra", node: "frankfurt", name: { en: "Frankfurt", ru: "Франкфурт" }, country: "DE" },
  { code: "fin", node: "helsinki", name: { en: "Helsinki", ru: "Хельсинки" }, country: "FI", fronts: ["fra"] },
  {
    code: "ist",
    node: "istanbul",
    name: { en: "Istanbul", ru: "Стамбул" },
    country: "TR",
    fronts: ["fra"],
    relays: "fra",
  },
];

/** The ports are chosen when it starts. */
export function newCity(fixed: Fixed, index: number): LocalCity {
  const { fronts = [], relays = null } = fixed;
  return {
    ...fixed,
    ...{
      fronts: [...fronts],
      relays,
      leavesFrom: leavesFrom(index),
      exitPort: 1,
      nodePort: relays === null ? 1 : null,
    },
    ...{ identity: null, exitSetUp: null, hasJoined: index === 0, broken: { vpn: false, node: false } },
  };
}

export const FIRST_CITIES: LocalCity[] = FIRST.map((city, i) => newCity(city, i));
