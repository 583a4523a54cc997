import { resources, type InformerFactory, type Namespace, type Node, type Pod } from '#libs/client';
import { sameEntries, type SchedulerCache } from './cache/cache.js';
import { isFinished } from './cache/pod-info.js';
import { shapeKeyOf } from './cache/pod-shape.js';
import { imagesChanged, nodeChanges } from './node-changes.js';
import type { Nominator } from './preemption/nominator.js';
import type { SchedulingQueue } from './queue/scheduling-queue.js';

export interface HandlerOptions {
  readonly informers: InformerFactory;
  readonly cache: SchedulerCache;
  readonly queue: SchedulingQueue;
  readonly nominator: Nominator;
  /** A pod left the queue for good: it was bound, deleted or taken by another. */
  readonly onLeft: (uid: string) => void;
}

export const schedulerName = 'default-scheduler';

type Standing = 'assigned' | 'pending' | 'other';

function standingOf(pod: Pod): Standing {
  if (isFinished(pod)) return 'other';
  if ((pod.spec.nodeName ?? '') !== '') return 'assigned';
  const ours = (pod.spec.schedulerName ?? schedulerName) === schedulerName;
  return ours && pod.metadata.deletionTimestamp === undefined ? 'pending' : 'other';
}

/** Keeps cache and queue in step with the server. The cache is changed first, so that who is woken sees the change. */
export function handleEvents(options: HandlerOptions): void {
  const { informers } = options;
  informers.informer(resources.namespaces).addHandler(namespaceHandler(options));
  informers.informer(resources.nodes).addHandler(nodeHandler(options));
  const pods = podHandler(options);
  informers.informer(resources.pods).addHandler({
    add: (pod) => pods.changed(pod, undefined),
    update: (pod, previous) => pods.changed(pod, previous),
    delete: (pod) => pods.deleted(pod),
  });
}

function podHandler({ cache, queue, nominator, onLeft }: HandlerOptions): {
  changed(pod: Pod, previous: Pod | undefined): void;
  deleted(pod: Pod): void;
} {
  const leave = (uid: string): void => {
    queue.delete(uid);
    if (nominator.remove(uid)) cache.freed++;
    onLeft(uid);
  };
  const assigned = (pod: Pod, previous: Pod | undefined, was: Standing): void => {
    const uid = pod.metadata.uid ?? '';
    const counted = cache.podByUid(uid) !== undefined;
    if (was === 'pending') leave(uid);
    cache.setPod(pod);
    if (was === 'assigned' && previous !== undefined) {
      if (matters(pod, previous)) queue.notify({ type: 'AssignedPodUpdate', pod, previous });
    } else if (!counted) queue.notify({ type: 'AssignedPodAdd', pod });
  };
  const pending = (pod: Pod, previous: Pod | undefined): void => {
    const uid = pod.metadata.uid ?? '';
    const nominated = pod.status?.nominatedNodeName ?? '';
    const known = queue.get(uid);
    if (known === undefined) {
      const info = cache.shapes.infoOf(pod);
      queue.add(info);
      if (nominated !== '') nominator.nominate(info, nominated);
      return;
    }
    const changed = previous === undefined || matters(pod, previous);
    if (!changed) {
      known.info.pod = pod;
      return;
    }
    const info = cache.shapes.infoOf(pod);
    const node = nominator.nodeOf(uid);
    if (node !== undefined) nominator.nominate(info, node);
    queue.update(info, true);
  };
  const gone = (pod: Pod, was: Standing): void => {
    const uid = pod.metadata.uid ?? '';
    if (was === 'pending') leave(uid);
    if (cache.podByUid(uid) === undefined) return;
    cache.removePod(uid);
    queue.notify({ type: 'AssignedPodDelete', pod });
  };
  return {
    changed(pod, previous) {
      const was = previous === undefined ? 'other' : standingOf(previous);
      const is = standingOf(pod);
      if (is === 'assigned') assigned(pod, previous, was);
      else if (is === 'pending') pending(pod, previous);
      else gone(pod, was);
    },
    deleted: (pod) => gone(pod, standingOf(pod)),
  };
}

/** Does the change concern scheduling: spec, labels, gates, deletion? */
function matters(pod: Pod, previous: Pod): boolean {
  const { metadata, spec } = pod;
  if (metadata.deletionTimestamp !== previous.metadata.deletionTimestamp) return true;
  if (!sameEntries(metadata.labels, previous.metadata.labels)) return true;
  if (metadata.generation !== undefined && metadata.generation === previous.metadata.generation) return false;
  return (
    (spec.schedulingGates?.length ?? 0) !== (previous.spec.schedulingGates?.length ?? 0) ||
    shapeKeyOf(pod) !== shapeKeyOf(previous)
  );
}

function nodeHandler({ cache, queue }: HandlerOptions): {
  add(node: Node): void;
  update(node: Node, previous: Node): void;
  delete(node: Node): void;
} {
  return {
    add(node) {
      cache.setNode(node);
      queue.notify({ type: 'NodeAdd', node });
    },
    update(node, previous) {
      const changes = nodeChanges(node, previous);
      if (changes.size === 0 && !imagesChanged(node, previous)) return;
      cache.setNode(node);
      if (changes.size > 0) queue.notify({ type: 'NodeUpdate', node, previous, changes });
    },
    delete(node) {
      cache.removeNode(node.metadata.name ?? '');
      queue.notify({ type: 'NodeDelete', node });
    },
  };
}

function namespaceHandler({ cache, queue }: HandlerOptions): {
  add(namespace: Namespace): void;
  update(namespace: Namespace, previous: Namespace): void;
} {
  const changed = (namespace: Namespace): void => {
    cache.index.namespaceChanged(namespace.metadata.name ?? '');
    cache.freed++;
    cache.changed++;
    queue.notify({ type: 'NamespaceUpdate', namespace });
  };
  return {
    add: changed,
    update(namespace, previous) {
      if (!sameEntries(namespace.metadata.labels, previous.metadata.labels)) changed(namespace);
    },
  };
}
