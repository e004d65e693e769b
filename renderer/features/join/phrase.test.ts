import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { mnemonicWords, type Entropy } from "../../../main/protocol/identity/mnemonic.ts";
import { pageHash } from "../wallet/hash.ts";
import { askedPlaces, completedBySpace, readTyped, withWord, wrongPlaces } from "./phrase.ts";

const words = mnemonicWords(pageHash, new Uint8Array(32).map((_, i) => i) as Entropy);
const text = words.join(" ");

describe("the question for three words", () => {
  it("asks for three different places in order, whatever chance says", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 3, maxLength: 3 }), (chances) => {
        const left = [...chances];
        const asked = askedPlaces((bound) => left.pop()! % bound);
        expect(new Set(asked).size).toBe(3);
        expect(asked.toSorted((a, b) => a - b)).toEqual(asked);
        expect(asked.every((place) => place >= 0 && place < 24)).toBe(true);
      }),
    );
  });

  it("forgives spaces and capitals, and names the places that are wrong", () => {
    const asked = [0, 5, 23];
    expect(wrongPlaces(words, asked, [` ${words[0]!.toUpperCase()} `, words[5]!, words[23]!])).toEqual([]);
    expect(wrongPlaces(words, asked, [words[0]!, "no"])).toEqual([5, 23]);
  });
});

describe("words as they are typed", () => {
  it("are valid as a whole, in any case and with any white space", () => {
    expect(readTyped(pageHash, text).state).toBe("valid");
    expect(readTyped(pageHash, `  ${words.join("\n").toUpperCase()}\t`)).toEqual({
      ...{ words, suggestions: [], unknown: [], state: "valid" },
    });
  });

  it("with two exchanged fail the checksum", () => {
    const exchanged = [words[1]!, words[0]!, ...words.slice(2)];
    expect(readTyped(pageHash, exchanged.join(" ")).state).toBe("checksum");
  });

  it("complete the one at the end, and only that", () => {
    const typed = readTyped(pageHash, "abandon zo");
    expect(typed).toEqual({ words: ["abandon"], suggestions: ["zone", "zoo"], unknown: [], state: "typing" });
    expect(withWord("abandon zo", "zone")).toBe("abandon zone ");
    expect(readTyped(pageHash, "abandon zoo").words).toEqual(["abandon", "zoo"]);
  });

  it("name the place of what is no word", () => {
    expect(readTyped(pageHash, "abandon zzz zoo")).toMatchObject({ unknown: [1], state: "unknown-word" });
    expect(readTyped(pageHash, "aband ")).toMatchObject({ unknown: [0], state: "unknown-word" });
    expect(readTyped(pageHash, `${text} zoo`).state).toBe("too-many");
  });

  it("are completed by a space where their letters leave one word", () => {
    expect(completedBySpace("zoo aban ")).toBe("zoo abandon ");
    expect(completedBySpace("zo ")).toBe("zo ");
    expect(completedBySpace("zoo ")).toBe("zoo ");
    expect(completedBySpace("aban")).toBe("aban");
  });
});
