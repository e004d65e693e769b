/** What a node lets its aggregator read: one key for each, and each key runs one command (chapter 08 §7.1). */
import { MY_VPN_MAX, PEERS_FILE_MAX, STATUS_TEXT_MAX } from "../../cities/limits.ts";
import { JOURNAL_MAX } from "./limits.ts";

export const NODE_FILES = ["my-vpn", "peers", "status", "journal"] as const;
export type NodeFile = (typeof NODE_FILES)[number];

export interface NodePaths {
  /** Of `my-vpn.json` and `peers.json`. */
  readonly netDirectory: string;
  /** Of the node. */
  readonly dataDirectory: string;
  /** Its systemd unit. */
  readonly unit: string;
}

export const NODE_PATHS: NodePaths = {
  netDirectory: "/var/lib/montana-net",
  dataDirectory: "/var/lib/montana",
  unit: "montana-node",
};

interface Described {
  /** Comment of the key, by which a person tells the lines apart. */
  readonly comment: string;
  readonly bytesMax: number;
  readonly command: (paths: NodePaths) => string;
}

export const nodeFiles: Readonly<Record<NodeFile, Described>> = {
  "my-vpn": {
    comment: "vpn_stats2",
    bytesMax: MY_VPN_MAX,
    command: ({ netDirectory }) => `cat ${netDirectory}/my-vpn.json`,
  },
  peers: {
    comment: "montana_peers",
    bytesMax: PEERS_FILE_MAX,
    command: ({ netDirectory }) => `cat ${netDirectory}/peers.json`,
  },
  status: {
    comment: "montana_status",
    bytesMax: STATUS_TEXT_MAX,
    command: ({ dataDirectory }) => `montana-node status --data-dir ${dataDirectory}`,
  },
  journal: {
    comment: "montana_journal",
    bytesMax: JOURNAL_MAX,
    // Cut on the node's side, so that the newest lines are the ones that count.
    command: ({ unit }) => `journalctl -u ${unit} -o short-iso --since -10min --no-pager -q | tail -c ${JOURNAL_MAX}`,
  },
};
