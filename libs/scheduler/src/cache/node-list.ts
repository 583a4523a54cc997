import type { NodeInfo } from './node-info.js';

/**
 * The nodes in the order in which they are tried: one of each zone in turn, so that a search that stops early has
 * looked into all zones alike (kube-scheduler's node tree).
 */
export function interleaveZones(nodes: Iterable<NodeInfo>): NodeInfo[] {
  const zones = new Map<string, NodeInfo[]>();
  for (const node of nodes) {
    const { zone } = node;
    const members = zones.get(zone);
    if (members === undefined) zones.set(zone, [node]);
    else members.push(node);
  }
  const list: NodeInfo[] = [];
  for (let round = 0, found = true; found; round++) {
    found = false;
    for (const members of zones.values()) {
      const node = members[round];
      if (node === undefined) continue;
      node.position = list.length;
      list.push(node);
      found = true;
    }
  }
  return list;
}
