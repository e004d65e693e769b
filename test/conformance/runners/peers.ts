/** Suites of chapters 06 §9 and 07 §10 about peers and the manifest that names the first ones. */
import { concatBytes, sized, type Bytes, type NodeId } from "../../../main/protocol/bytes.ts";
import type { Crypto } from "../../../main/protocol/crypto.ts";
import { ProtocolError } from "../../../main/protocol/errors.ts";
import { parseManifest } from "../../../main/protocol/genesis/manifest.ts";
import type { IpVersion } from "../../../main/network/messages/peerList.ts";
import { checkDiversity, PeerTable, type PeerRecord, type PeerRole } from "../../../main/network/peers/table.ts";
import type { Input, Runner } from "../harness.ts";
import { big, hex, nodeIdOf } from "./inputs.ts";
import { numbered, sequence } from "./steps.ts";

function peerFrom(record: Input): PeerRecord {
  return {
    nodeId: nodeIdOf(record.node_id),
    ipVersion: Number(record.ip_version) as IpVersion,
    ip: sized(hex(record.ip), 16),
    port: Number(record.port),
    startWindow: big(record.start_window),
    lastSeenWindow: big(record.last_seen_window),
    asn: Number(record.asn),
    prefix16: sized(hex(record.prefix16), 2),
    role: record.role as PeerRole,
  };
}

/** Record k of `fill` (chapter 07 §10). */
function filledPeer(k: bigint, lastSeenWindow: bigint): PeerRecord {
  const ip = new Uint8Array(16) as Bytes<16>;
  ip.set([Number((k >> 8n) & 255n), Number(k & 255n), 1], 12);
  return {
    nodeId: numbered(k) as NodeId,
    ipVersion: 4,
    ip,
    port: 8444,
    startWindow: k,
    lastSeenWindow,
    asn: Number(k),
    prefix16: sized(ip.slice(12, 14), 2),
    role: "outbound",
  };
}

const peerTable = ({ crypto }: { readonly crypto: Crypto }) => {
  const table = new PeerTable();
  return (step: Input): unknown => {
    switch (step.op) {
      case "insert":
        table.insert(peerFrom(step));
        return { len: table.size };
      case "fill": {
        const [start, first] = [big(step.start), big(step.first_last_seen)];
        for (let i = 0n; i < big(step.count); i++) table.insert(filledPeer(start + i, first + i));
        return { len: table.size };
      }
      case "verify":
        table.markVerified(nodeIdOf(step.node_id));
        return { verified: table.isVerified(nodeIdOf(step.node_id)) };
      case "is_verified":
        return { verified: table.isVerified(nodeIdOf(step.node_id)) };
      case "prune":
        return { removed: table.prune(big(step.current_window), big(step.tau1)), len: table.size };
      case "select": {
        const nodeIds = table.select(Number(step.max_count), big(step.cohort_size)).map(({ nodeId }) => nodeId);
        return {
          node_ids: nodeIds,
          count: nodeIds.length,
          node_ids_sha256: crypto.sha256(concatBytes(...nodeIds)),
        };
      }
      case "len":
        return { len: table.size };
      default:
        throw new Error(`no such step: ${String(step.op)}`);
    }
  };
};

const peerDiversity: Runner = ({ records }) => {
  const error = checkDiversity((records as Input[]).map(peerFrom));
  return error === undefined ? { ok: true } : { error };
};

// Genesis manifest

const transportManifest: Runner = ({ text }) => {
  const { networkName, peers, bootstrap } = parseManifest(text);
  return { network_name: networkName, labels: peers.map(({ label }) => label), bootstrap_label: bootstrap.label };
};

/** Chapter 07 names the field in the error (spec README, one thing, several names). */
const networkManifest: Runner = ({ json }) => {
  try {
    const { networkName, peers, bootstrap } = parseManifest(json);
    return {
      network_name: networkName,
      peers: peers.length,
      bootstrap_label: bootstrap.label,
      labels: peers.map(({ label }) => label),
      peer_ids: peers.map(({ peerId }) => peerId),
    };
  } catch (error) {
    if (!(error instanceof ProtocolError) || error.code !== "invalid-hex-length") throw error;
    throw new ProtocolError(`${error.code}-${String(error.params["field"]).replaceAll("_", "-")}`);
  }
};

export const peerRunners: Readonly<Record<string, Runner>> = {
  "06-transport/genesis-manifest": transportManifest,
  "07-network/genesis-manifest": networkManifest,
  "07-network/peer-table": (input, context) => sequence(() => peerTable(context))(input, context),
  "07-network/peer-diversity": peerDiversity,
};
