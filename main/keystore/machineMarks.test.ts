import { cp, mkdir, rename } from "node:fs/promises";
import { describe, expect, test } from "vitest";

import { ZERO_HASH } from "../protocol/bytes.ts";
import { crypto, freshPath } from "./keystore.fixture.ts";
import { findChangedMarks, readMachineMarks } from "./machineMarks.ts";

const salt = new Uint8Array(16).fill(1);

describe("the marks of a directory", () => {
  test("stay when it is written to or moved, and change when it is copied", async () => {
    const path = await freshPath();
    await mkdir(path);
    const marks = await readMachineMarks(crypto, salt, path);
    await mkdir(`${path}/inside`);
    expect(findChangedMarks(marks, await readMachineMarks(crypto, salt, path))).toEqual([]);
    await rename(path, `${path}.moved`);
    expect(findChangedMarks(marks, await readMachineMarks(crypto, salt, `${path}.moved`))).toEqual([]);
    await cp(`${path}.moved`, path, { recursive: true });
    expect(findChangedMarks(marks, await readMachineMarks(crypto, salt, path))).toEqual(["directory"]);
  });

  test("tell another machine, but nothing where one of the two is unknown", async () => {
    const path = await freshPath();
    await mkdir(path);
    const marks = await readMachineMarks(crypto, salt, path);
    const here = { ...marks, machineMark: crypto.sha256(salt) };
    expect(findChangedMarks(here, { ...here, machineMark: crypto.sha256(here.machineMark) })).toEqual(["machine"]);
    expect(findChangedMarks(here, { ...here, machineMark: ZERO_HASH })).toEqual([]);
    expect(findChangedMarks({ ...here, machineMark: ZERO_HASH }, here)).toEqual([]);
  });

  test("are others under another salt, so that two identities cannot be told to share a machine", async () => {
    const path = await freshPath();
    await mkdir(path);
    const marks = await readMachineMarks(crypto, salt, path);
    const others = await readMachineMarks(crypto, new Uint8Array(16), path);
    expect(others.directoryMark).not.toEqual(marks.directoryMark);
  });
});
