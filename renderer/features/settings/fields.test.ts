import { expect, test } from "vitest";

import { DIRECT_RULES_MAX } from "../../../main/api/vpnContract.ts";
import { readPort, readRules, readUrl } from "./fields.ts";

test("an empty port is the usual one, and what is no port is refused", () => {
  expect(readPort(" ")).toEqual({ isOk: true, value: null });
  expect(readPort(" 1080 ")).toEqual({ isOk: true, value: 1080 });
  for (const text of ["0", "65536", "1e3", "0x50", "-1", "80.5", "port"]) {
    expect(readPort(text), text).toEqual({ isOk: false, wrong: "tunnelPortWrong" });
  }
});

test("an empty address is none, and only web addresses are taken", () => {
  expect(readUrl("probeUrl", "")).toEqual({ isOk: true, value: null });
  expect(readUrl("probeUrl", " https://example.org/ok ")).toEqual({ isOk: true, value: "https://example.org/ok" });
  for (const text of ["example.org", "ftp://example.org", "https://", `https://example.org/${"a".repeat(2048)}`]) {
    expect(readUrl("addressUrl", text), text).toEqual({ isOk: false, wrong: "tunnelUrlWrong" });
  }
});

test("rules are one a line, without empty lines and doubles, and a comma belongs to its rule", () => {
  expect(readRules("example.org\n\n  domain:example.net \nexample.org\nregexp:a{1,2}")).toEqual({
    isOk: true,
    value: ["example.org", "domain:example.net", "regexp:a{1,2}"],
  });
  expect(readRules("")).toEqual({ isOk: true, value: [] });
  const many = Array.from({ length: DIRECT_RULES_MAX + 1 }, (_, index) => `n${index}.example`).join("\n");
  expect(readRules(many)).toEqual({ isOk: false, wrong: "tunnelRulesWrong" });
  expect(readRules("a".repeat(513))).toEqual({ isOk: false, wrong: "tunnelRulesWrong" });
});
