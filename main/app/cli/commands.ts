/** All commands of `montana`, in the order of its help. */
import type { DaemonOptions } from "../daemon.ts";
import type { Command } from "./command.ts";
import { joining, startCommand, status, stop, time, version } from "./hostCommands.ts";
import { city } from "./cityCommand.ts";
import { diagnostics } from "./diagnosticsCommand.ts";
import { exit } from "./exitCommands.ts";
import { exportCommand, importCommand, init, inspect, lock, restore, unlock } from "./identityCommands.ts";
import { backup, bench, check } from "./maintenanceCommands.ts";
import { local } from "./localCommand.ts";
import { mesh } from "./meshCommands.ts";
import { network } from "./networkCommands.ts";
import { open } from "./openCommand.ts";
import { bonus, cancel, key, resend } from "./operationCommands.ts";
import { request } from "./requestCommands.ts";
import { settings } from "./settingsCommand.ts";
import { vpn } from "./vpnCommands.ts";
import { anchor, balance, history, send } from "./walletCommands.ts";

/** `startNode` is what a host runs besides itself. */
export function createCommands(startNode: DaemonOptions["startNode"]): readonly Command[] {
  return [
    init,
    restore,
    inspect,
    startCommand(startNode),
    open,
    stop,
    status,
    time,
    network,
    ...joining,
    vpn,
    exit,
    city,
    mesh,
    local,
    balance,
    send,
    request,
    history,
    cancel,
    resend,
    bonus,
    key,
    anchor,
    settings,
    unlock,
    lock,
    check,
    backup,
    exportCommand,
    importCommand,
    bench,
    diagnostics,
    version,
  ];
}
