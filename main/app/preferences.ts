/** What the person chose about the program, on the disk of the host. Corrupt is set aside and named. */
import { join } from "node:path";

import type { Input, Notice, Output } from "../api/contract.ts";
import { preferences as schema, type Preferences } from "../api/preferencesContract.ts";
import type { PreferencesService } from "../api/services.ts";
import { readSealed, setAside, writeSealed } from "../files/sealedFile.ts";
import type { DataDirectory } from "./dataDirectory.ts";

/** All that the contract lets in, each character as JSON's longest escape. */
const FILE_MAX = 262_144;

const DEFAULTS: Preferences = {
  theme: "system",
  language: null,
  favourites: [],
  isMapReduced: false,
  motion: "system",
  notifies: true,
  startsAtLogin: false,
  updatesItself: false,
  onQuit: "ask",
  seen: [],
  logLevel: null,
};

/** What an older program wrote lacks what is new. */
const kept = schema.partial();

export class HostPreferences implements PreferencesService {
  readonly #path: string;
  readonly #onChange: (preferences: Preferences) => void;
  /** Said until the person chooses again. */
  #fault: Notice | undefined;
  #preferences: Preferences;

  /** Throws `file-unreadable`. */
  constructor({ root }: DataDirectory, onChange: (preferences: Preferences) => void) {
    this.#path = join(root, "preferences");
    this.#onChange = onChange;
    const found = readSealed(this.#path, FILE_MAX, (value) => kept.parse(value));
    if (found.kind === "corrupt") {
      setAside(this.#path);
      this.#fault = { code: "preferences-damaged", params: {} };
    }
    this.#preferences = { ...DEFAULTS, ...(found.kind === "value" ? given(found.value) : {}) };
  }

  get notices(): readonly Notice[] {
    return this.#fault === undefined ? [] : [this.#fault];
  }

  read(): Output<"preferences"> {
    return this.#preferences;
  }

  change(change: Input<"setPreferences">): Promise<Output<"setPreferences">> {
    const preferences = { ...this.#preferences, ...given(change) };
    writeSealed(this.#path, preferences);
    this.#preferences = preferences;
    this.#fault = undefined;
    this.#onChange(preferences);
    return Promise.resolve(preferences);
  }
}

/** What is undefined was left out. */
function given(change: Input<"setPreferences">): Partial<Preferences> {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
}
