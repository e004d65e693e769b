/**
 * Looks for updates when the person wants that and a tunnel is up, through the tunnel alone. electron-updater downloads the files
 * that a signed manifest names, checks their hashes and installs them; it never sees a feed.
 */
import type { AppUpdater, Provider as ProviderBase, UpdateInfo } from "electron-updater";

import { loadCrypto } from "../../native/index.ts";
import { manifestNames, readManifest, type UpdateManifest, type UpdateSource } from "./updates.ts";

const CHECK_MS = 6 * 3_600_000;

type Updater = Pick<
  AppUpdater,
  | "autoDownload"
  | "autoInstallOnAppQuit"
  | "checkForUpdates"
  | "disableDifferentialDownload"
  | "disableWebInstaller"
  | "logger"
  | "on"
  | "quitAndInstall"
  | "setFeedURL"
> & { readonly netSession: Pick<AppUpdater["netSession"], "fetch" | "setProxy"> };

export interface UpdaterOptions {
  readonly updater: Updater;
  readonly Provider: new (runtime: never) => ProviderBase<UpdateInfo>;
  readonly source: UpdateSource;
  /** As `linux-x64`. */
  readonly platform: string;
  readonly onReady: () => void;
  readonly onFailure: (error: unknown) => void;
}

export interface UpdateFacts {
  readonly isWanted: boolean;
  /** Of the tunnel that is up. */
  readonly proxy: { readonly host: string; readonly port: number } | null;
}

export interface Updates {
  /** A version that is downloaded and checked. */
  readonly ready: string | null;
  /** Looks for one unless that was done lately. */
  look(facts: UpdateFacts): void;
  /** Ends the program; the host has stopped before. */
  install(): void;
}

export function createUpdates(options: UpdaterOptions): Updates {
  const { updater, onReady, onFailure } = options;
  // What the person did not ask for does not happen when the program ends for another reason.
  Object.assign(updater, { autoDownload: true, autoInstallOnAppQuit: false, logger: null });
  Object.assign(updater, { disableDifferentialDownload: true, disableWebInstaller: true });
  updater.setFeedURL({ provider: "custom", updateProvider: providerOf(options) } as never);
  let [ready, lookedAt]: [string | null, number] = [null, -Infinity];
  updater.on("update-downloaded", ({ version }) => {
    ready = version;
    onReady();
  });
  updater.on("error", onFailure);
  const look = async (proxyRules: string): Promise<void> => {
    await updater.netSession.setProxy({ proxyRules, proxyBypassRules: "<-loopback>" });
    await updater.checkForUpdates();
  };
  return {
    get ready() {
      return ready;
    },
    look({ isWanted, proxy }) {
      if (!isWanted || proxy === null || ready !== null || performance.now() - lookedAt < CHECK_MS) return;
      lookedAt = performance.now();
      // Where it fails, "error" has said so.
      look(`socks5://${proxy.host}:${proxy.port}`).catch(() => undefined);
    },
    install: () => updater.quitAndInstall(),
  };
}

/** What electron-updater asks for the next version. */
function providerOf({ Provider, updater, source, platform }: UpdaterOptions) {
  const base = source.url.endsWith("/") ? source.url : `${source.url}/`;
  return class SignedProvider extends Provider {
    constructor(_configuration: unknown, _updater: unknown, runtime: never) {
      super(runtime);
    }

    override async getLatestVersion(): Promise<UpdateInfo> {
      const [text, signature] = await Promise.all(
        manifestNames(platform).map(async (name) => (await updater.netSession.fetch(new URL(name, base).href)).text()),
      );
      const { publicKey } = source;
      return toUpdateInfo(readManifest(loadCrypto().crypto, { publicKey, platform }, text!, signature!));
    }

    override resolveFiles({ files }: UpdateInfo) {
      return files.map((info) => ({ url: new URL(info.url, base), info }));
    }
  };
}

/** Without the older fields of one file, which are asked for where `files` is missing. */
function toUpdateInfo({ version, releasedAt, files }: UpdateManifest): UpdateInfo {
  const named = files.map(({ name, size, sha512 }) => ({ url: name, size, sha512 }));
  return { version, releaseDate: releasedAt, files: named } as unknown as UpdateInfo;
}
