/**
 * What the router asks of the rest of the program. Each service is offered by one room and put in by `main/app`; one that is
 * not there (no node runs yet, say) makes its procedures answer "service-unavailable".
 *
 * A service throws `ProtocolError` for what a person can be told; anything else is a defect and reaches a client as
 * "internal" without detail.
 */
import type { ExitService as Exit } from "../mesh/exit/exitService.ts";
import type { HistoryEntry, Input, Notice, Output, Status } from "./contract.ts";

/** The part of the status that a node knows. */
export type NodeStatus = Pick<
  Status,
  | "phase"
  | "window"
  | "windowAtMs"
  | "stateRoot"
  | "supply"
  | "peers"
  | "candidate"
  | "candidacy"
  | "queue"
  | "progress"
  | "unverifiedCandidates"
  | "notices"
>;

/** Where no node runs. */
export const NO_NODE: NodeStatus = {
  phase: "stopped",
  window: null,
  windowAtMs: null,
  stateRoot: null,
  supply: null,
  peers: 0,
  candidate: null,
  candidacy: null,
  queue: null,
  progress: null,
  unverifiedCandidates: [],
  notices: [],
};

export interface NodeService {
  status(): Promise<NodeStatus>;
  time(): Promise<Output<"time">>;
  join(settings: Input<"join">): Promise<void>;
  leave(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  settings(): Promise<Output<"settings">>;
  setSettings(change: Input<"setSettings">): Promise<Output<"setSettings">>;
  /** Recomputes everything that the store holds; `result` of the task is what this gives. */
  check(task: TaskControl): Promise<TaskResult>;
  /** Writes a copy of the store into `directory`, which is not there yet, while the node runs. */
  backup(directory: string, task: TaskControl): Promise<TaskResult>;
  /** Calls back after every applied window and whenever the status changed otherwise; gives the way to end that. */
  onChange(listener: (change: NodeChange) => void): () => void;
}

export type NodeChange =
  { readonly kind: "window-closed" | "status" } | { readonly kind: "notice"; readonly notice: Notice };

export interface TaskControl {
  /** Aborted when the task is cancelled or the host stops: reject with whatever, soon. */
  readonly signal: AbortSignal;
  report(progress: { readonly done: number; readonly total: number | null; readonly unit: string }): void;
}

export type TaskResult = Record<string, string | number | boolean>;

export interface IdentityService {
  inspect(): Promise<Output<"inspect">>;
  readonly isUnlocked: boolean;
  /** Opens the account part for `seconds`. The callee wipes `passphrase`. */
  unlock(passphrase: Uint8Array, seconds: number): Promise<void>;
  lock(): void;
}

export interface WalletService {
  balance(): Promise<Output<"balance">>;
  history(page: Input<"history">): Promise<Output<"history">>;
  send(payment: Input<"send">): Promise<Output<"send">>;
  cancelOperation(which: Input<"cancelOperation">): Promise<Output<"cancelOperation">>;
  sendAgain(which: Input<"sendAgain">): Promise<Output<"sendAgain">>;
  createRequest(request: Input<"createRequest">): Promise<Output<"createRequest">>;
  openRequest(request: Input<"openRequest">): Promise<Output<"openRequest">>;
  planKeyChange(wanted: Input<"planKeyChange">): Promise<Output<"planKeyChange">>;
  changeKey(wanted: Input<"changeKey">): Promise<Output<"changeKey">>;
  proveKey(asked: Input<"proveKey">): Promise<Output<"proveKey">>;
  bonusOffer(): Promise<Output<"bonusOffer">>;
  moveBonus(wanted: Input<"moveBonus">): Promise<Output<"moveBonus">>;
  writeAnchor(anchor: Input<"writeAnchor">): Promise<Output<"writeAnchor">>;
  readAnchors(query: Input<"readAnchors">): Promise<Output<"readAnchors">>;
  verifyAnchor(query: Input<"verifyAnchor">): Promise<Output<"verifyAnchor">>;
  /** Calls back with every entry that is new or has another state; gives the way to end that. */
  onChange(listener: (entry: HistoryEntry) => void): () => void;
}

/** From nothing to a node, in a host that runs. */
export interface SetupService {
  readonly state: Pick<Status, "hasIdentity" | "nodeState" | "nodeFault" | "progress">;
  identity(): Promise<Output<"identity">>;
  newWords(): Output<"newWords">;
  makeIdentity(wanted: Input<"makeIdentity">): Promise<Output<"makeIdentity">>;
  startNode(wanted: Input<"startNode">): Promise<void>;
  stopNode(): Promise<void>;
  speedTest(asked: Input<"speedTest">): Promise<Output<"speedTest">>;
  networks(): Promise<Output<"networks">>;
  chooseNetwork(wanted: Input<"chooseNetwork">): Promise<Output<"chooseNetwork">>;
  addNetwork(brought: Input<"addNetwork">): Promise<Output<"addNetwork">>;
}

/** What the running node knows of its network. */
export interface NetworkService {
  view(asked: Input<"networkView">): Promise<Output<"networkView">>;
  nodeTable(asked: Input<"nodeTable">): Promise<Output<"nodeTable">>;
  candidatePool(asked: Input<"candidatePool">): Promise<Output<"candidatePool">>;
  recentWindows(asked: Input<"recentWindows">): Promise<Output<"recentWindows">>;
  activity(asked: Input<"activity">): Promise<Output<"activity">>;
  /** Of those connected. */
  readonly silentNodes: Status["silentNodes"];
  /** Calls back when that changed; gives the way to end it. */
  onSilence(listener: () => void): () => void;
}

export interface PreferencesService {
  /** What should be known of them, until the person chooses again. */
  readonly notices: readonly Notice[];
  read(): Output<"preferences">;
  change(change: Input<"setPreferences">): Promise<Output<"setPreferences">>;
}

/** The client side of the tunnel. */
export interface VpnService {
  status(): Output<"vpnStatus">;
  connect(wish: Input<"vpnConnect">): Promise<Output<"vpnStatus">>;
  disconnect(): Promise<Output<"vpnStatus">>;
  pauseBlock(how: Input<"vpnPauseBlock">): Promise<Output<"vpnPauseBlock">>;
  installHelper(): Promise<Output<"vpnInstallHelper">>;
  history(): Output<"vpnHistory">;
  cities(): Output<"vpnCities">;
  test(asked: Input<"vpnTest">, signal: AbortSignal): Promise<Output<"vpnTest">>;
  leaks(): Promise<Output<"vpnLeaks">>;
  import(pasted: Input<"vpnImport">): Promise<Output<"vpnImport">>;
  subscriptions(): Output<"vpnSubscriptions">;
  addSubscription(asked: Input<"vpnAddSubscription">): Promise<Output<"vpnAddSubscription">>;
  removeSubscription(asked: Input<"vpnRemoveSubscription">): Output<"vpnRemoveSubscription">;
  refresh(): Promise<Output<"vpnRefresh">>;
  keys(): Output<"vpnKeys">;
  judgeKey(asked: Input<"vpnJudgeKey">): Output<"vpnJudgeKey">;
  settings(): Output<"vpnSettings">;
  setSettings(change: Input<"vpnSetSettings">): Output<"vpnSetSettings">;
  repair(how: Input<"vpnRepair">): Promise<Output<"vpnRepair">>;
  /** Somebody shows live figures, until the given function is called. */
  watchFigures(): () => void;
}

/** The city that this machine runs. */
export type ExitService = Pick<Exit, "status" | "init" | "rotate" | "withdraw" | "remove">;

/** The page in a browser. */
export interface PageService {
  open(): Promise<Output<"openPage">>;
  status(): Output<"pages">;
  revoke(): Promise<Output<"revokePages">>;
}

export interface Services {
  readonly identity?: IdentityService | undefined;
  readonly node?: NodeService | undefined;
  readonly wallet?: WalletService | undefined;
  readonly vpn?: VpnService | undefined;
  readonly exit?: ExitService | undefined;
  readonly page?: PageService | undefined;
  readonly setup?: SetupService | undefined;
  readonly network?: NetworkService | undefined;
  readonly preferences?: PreferencesService | undefined;
  readonly diagnostics?: (() => Promise<Output<"diagnostics">>) | undefined;
}

/** What only the host itself can answer. */
export interface HostService {
  readonly version: string;
  readonly pid: number;
  readonly startedAtMs: number;
  readonly network: Pick<Status, "network" | "profile">;
  /** False unless a command started it for itself. */
  readonly isBackground?: boolean;
  /** Returns at once; the answer to who asked still goes out. */
  requestStop(): void;
  metrics(): Promise<string>;
}
