import type { Node } from '#libs/client';
import { sameEntries } from './cache/cache.js';
import type { NodeChange } from './queue/events.js';

/** What of a node changed that scheduling looks at. Heartbeats change nothing of it. */
export function nodeChanges(node: Node, previous: Node): Set<NodeChange> {
  const changes = new Set<NodeChange>();
  if (!sameValues(node.status?.allocatable, previous.status?.allocatable)) changes.add('allocatable');
  if (!sameEntries(node.metadata.labels, previous.metadata.labels)) changes.add('labels');
  if (
    (node.spec?.unschedulable === true) !== (previous.spec?.unschedulable === true) ||
    JSON.stringify(node.spec?.taints ?? []) !== JSON.stringify(previous.spec?.taints ?? [])
  )
    changes.add('taints');
  return changes;
}

/** Images never make a node fit, but they count for its score. */
export function imagesChanged(node: Node, previous: Node): boolean {
  const now = node.status?.images;
  const before = previous.status?.images;
  if (now === before) return false;
  return now?.length !== before?.length || JSON.stringify(now) !== JSON.stringify(before);
}

function sameValues(
  a: Readonly<Record<string, string | number>> | undefined,
  b: Readonly<Record<string, string | number>> | undefined,
): boolean {
  const names = Object.keys(a ?? {});
  return names.length === Object.keys(b ?? {}).length && names.every((name) => a?.[name] === b?.[name]);
}
