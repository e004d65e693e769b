import { describe, expect, it } from "vitest";

import { guessBits, strengthOf } from "./passphraseStrength.ts";

describe("the strength of a passphrase", () => {
  it("is too short below what the keystore takes, counted in characters", () => {
    expect(strengthOf("aB3$xyz")).toBe("too-short");
    expect(strengthOf("пароли-и")).not.toBe("too-short");
  });

  it.each(["password1234", "aaaaaaaaaaaa", "12345678", "Qwerty2024!", "пароль123", "montana montana"])(
    "is weak for what guessers try first: %s",
    (passphrase) => {
      expect(strengthOf(passphrase)).toBe("weak");
    },
  );

  it("grows with words chosen at random", () => {
    expect(strengthOf("orbit velvet canyon")).toBe("fair");
    expect(strengthOf("orbit velvet canyon mirror harvest")).toBe("strong");
  });

  it("does not count what is repeated", () => {
    expect(guessBits("orbit orbit orbit orbit")).toBeLessThan(guessBits("orbit velvet"));
  });
});
