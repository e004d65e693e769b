import { existsSync } from "node:fs";

import { describe, expect, test } from "vitest";

import { CLI, commandLineWords, laterCommand, lastingProgram, type Running } from "./commandLine.ts";

const WORDS = ["vpn", "repair", "--data-dir", "/home/ann/.local/share/montana"];
const node: Running = { execPath: "/usr/bin/node", isElectron: false, isPackaged: false, environment: {} };
const packaged: Running = {
  execPath: "/opt/Montana/montana",
  isElectron: true,
  isPackaged: true,
  environment: {},
};
const image: Running = {
  ...packaged,
  execPath: "/tmp/.mount_montanAbc/montana",
  environment: { APPDIR: "/tmp/.mount_montanAbc", APPIMAGE: "/home/ann/montana.AppImage" },
};

describe("the command line for later", () => {
  test("is Node with the command line's module, where Node runs the program", () => {
    expect(existsSync(CLI)).toBe(true);
    expect(laterCommand(WORDS, node)).toEqual(["/usr/bin/node", CLI, ...WORDS]);
    expect(laterCommand(WORDS)).toEqual([process.execPath, CLI, ...WORDS]);
  });

  test("is the desktop app where that runs, which then is no window", () => {
    const command = laterCommand(WORDS, packaged);
    expect(command).toEqual(["/opt/Montana/montana", "--command-line", ...WORDS]);
    expect(commandLineWords(command)).toEqual(WORDS);
    expect(laterCommand(WORDS, { ...packaged, isPackaged: false })[1]).toMatch(/main[\\/]app[\\/]shell[\\/]main\.ts$/);
  });

  test("names an AppImage by its image, for its mount will be another one", () => {
    expect(laterCommand(WORDS, image)[0]).toBe("/home/ann/montana.AppImage");
  });

  test("is not another program's AppImage that this process was started from", () => {
    const { environment } = image;
    expect(lastingProgram({ execPath: "/opt/Montana/montana", environment })).toBe("/opt/Montana/montana");
    expect(lastingProgram({ execPath: "/tmp/.mount_montanAbcd/montana", environment })).toBe(
      "/tmp/.mount_montanAbcd/montana",
    );
  });

  test("is not meant by the words that the app is started with otherwise", () => {
    expect(commandLineWords(["/opt/Montana/montana", "--hidden"])).toBeUndefined();
    expect(commandLineWords(["/opt/Montana/montana", "montana:sub?x"])).toBeUndefined();
  });
});
