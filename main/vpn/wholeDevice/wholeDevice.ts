/**
 * Takes all traffic of a Linux machine into the tunnel and gives it back, through the privileged helper: chapter 08 §10.4 to
 * §10.6. Nothing here needs a right of its own.
 */
import { existsSync } from "node:fs";

import type { EngineLauncher } from "../../xray/engineProcess.ts";
import type { WholeDevice } from "../tunnelPorts.ts";
import { tunnelError } from "../tunnelErrors.ts";
import { ExitAddresses } from "./addresses.ts";
import { lookUpBehindBlock } from "./blockedLookup.ts";
import { deviceError } from "./errors.ts";
import { HELPER_SOCKET, HelperClient } from "./helperClient.ts";
import { isHelperInstalled } from "./install.ts";

export interface WholeDeviceOptions {
  /** Where the exits' addresses are kept; of the person alone. */
  readonly directory: string;
  /** The helper's; default where it is installed. */
  readonly socket?: string;
}

export const DEVICE_INTERFACE = "montana0";
/** `SO_MARK` of the engine's own packets, which the routing rules let out (§2). */
const MARK = 19_790;

/** Undefined where this mode does not exist: it is on Linux only. */
export function openWholeDevice(options: WholeDeviceOptions): WholeDevice | undefined {
  return process.platform === "linux" ? new HelperDevice(options) : undefined;
}

class HelperDevice implements WholeDevice {
  readonly interface = DEVICE_INTERFACE;
  readonly mark = MARK;
  readonly #socket: string;
  readonly #addresses: ExitAddresses;
  #client: HelperClient | undefined;
  #isLed = false;
  /** Something is set that keeps traffic from leaving: at present, or from before this program. */
  #isClosed = false;

  constructor({ directory, socket = HELPER_SOCKET }: WholeDeviceOptions) {
    this.#socket = socket;
    this.#addresses = new ExitAddresses(directory, (hosts) => this.#lookUpBehindBlock(hosts));
  }

  get isLed(): boolean {
    return this.#isLed;
  }

  async open({ killSwitch }: { readonly killSwitch: boolean }): Promise<void> {
    if (this.#client?.isOpen !== true) {
      const { client, isBlocking } = await connectHelper(this.#socket);
      this.#client = client;
      this.#isLed = false;
      this.#isClosed = isBlocking;
    }
    // Without a kill switch what an earlier one has left only stands in the way.
    if (!killSwitch && this.#isClosed && !this.#isLed) await this.release();
  }

  readonly launcher: EngineLauncher = (launch) => this.#require().launch(launch);

  resolve(hosts: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return this.#addresses.resolve(hosts, { isOutside: !this.#isClosed && !this.#isLed });
  }

  async lead({ killSwitch }: { readonly killSwitch: boolean }): Promise<void> {
    await this.#require().call("route", { interface: DEVICE_INTERFACE, killSwitch, lan: true });
    this.#isLed = true;
    this.#isClosed = killSwitch;
  }

  async block(): Promise<void> {
    await this.#require().call("block", { lan: true });
    this.#isLed = false;
    this.#isClosed = true;
  }

  async unlead(): Promise<void> {
    if (this.#client?.isOpen !== true) return;
    await this.#client.call("unroute", { keepBlocked: false });
    this.#isLed = false;
    this.#isClosed = false;
  }

  async release(): Promise<void> {
    await this.#require().call("release");
    this.#isLed = false;
    this.#isClosed = false;
  }

  async close(): Promise<void> {
    // What a helper that is gone has left in place is still to be taken away.
    if (this.#client === undefined && !this.#isLed && !this.#isClosed) return;
    try {
      await this.#reopen();
      await this.release();
    } finally {
      this.#client?.close();
      this.#client = undefined;
    }
  }

  async pause(seconds: number): Promise<number> {
    const { untilMs } = await this.#require().call("pause", { seconds });
    return Number(untilMs);
  }

  async unpause(): Promise<void> {
    await this.#require().call("unpause");
  }

  /** While the tunnel's own engine runs, none but its exits' addresses are needed, and those are known. */
  async #lookUpBehindBlock(hosts: readonly string[]): Promise<ReadonlyMap<string, string>> {
    try {
      return await lookUpBehindBlock(this.launcher, MARK, hosts);
    } catch {
      return new Map();
    }
  }

  /** A helper that has ended meanwhile has left in place what blocks; the one that takes its turn takes that away. */
  async #reopen(): Promise<void> {
    if (this.#client?.isOpen === true) return;
    const { client } = await connectHelper(this.#socket);
    this.#client = client;
  }

  #require(): HelperClient {
    if (this.#client === undefined) throw deviceError("helper-gone");
    return this.#client;
  }
}

export interface DeviceRepaired {
  /**
   * `in-use`: another process of this user is connected through the helper. `no-helper`: it does not run here. `blocking`: a
   * block that was to be kept stands.
   */
  readonly outcome: "nothing" | "released" | "in-use" | "no-helper" | "blocking";
}

/**
 * At a start of the program: a block that an earlier run has left, because it was killed, is taken away. Who wants it to stand
 * until the tunnel is up again connects at once instead: that takes it over, and with `keepsBlock` it is only looked at. Throws
 * what the helper says when it cannot.
 */
export async function repairWholeDevice(socket = HELPER_SOCKET, keepsBlock = false): Promise<DeviceRepaired> {
  if (process.platform !== "linux" || !existsSync(socket)) return { outcome: "no-helper" };
  let connected;
  try {
    connected = await HelperClient.connect(socket);
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    if (code === "helper-busy") return { outcome: "in-use" };
    // Of another user, or none that could have set anything for this one.
    if (code === "helper-not-allowed" || code === "helper-not-running") return { outcome: "no-helper" };
    throw error;
  }
  const { client, isBlocking } = connected;
  try {
    if (isBlocking && keepsBlock) return { outcome: "blocking" };
    if (isBlocking) await client.call("release");
    return { outcome: isBlocking ? "released" : "nothing" };
  } finally {
    client.close();
  }
}

async function connectHelper(socket: string): Promise<Awaited<ReturnType<typeof HelperClient.connect>>> {
  if (process.platform !== "linux") throw tunnelError("mode-unavailable", { mode: "device" });
  try {
    return await HelperClient.connect(socket);
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    const isAbsent = socket === HELPER_SOCKET && code === "helper-not-running" && !isHelperInstalled();
    throw isAbsent ? deviceError("helper-missing") : error;
  }
}
