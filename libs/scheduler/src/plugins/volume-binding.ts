import {
  compileNodeSelector,
  type KubernetesObject,
  type NodePredicate,
  type NodeSelectorTerm,
} from '#libs/apimachinery';
import { resources, type InformerFactory, type PersistentVolumeClaim, type ResourceRef } from '#libs/client';
import type { PodInfo } from '../cache/pod-info.js';
import type { FilterPlugin, PreFilterPlugin } from '../framework/plugin.js';
import { makeStatus, type Status } from '../framework/status.js';
import type { ClusterEvent } from '../queue/events.js';
import type { SchedulingQueue } from '../queue/scheduling-queue.js';

const name = 'VolumeBinding';
const skip = makeStatus('skip', name);
const unbound = makeStatus('unresolvable', name, 'pod has unbound immediate PersistentVolumeClaims');
const elsewhere = makeStatus('unresolvable', name, "node(s) didn't match PersistentVolume's node affinity");
const volumesKey = `${name}/volumes`;

interface PersistentVolume extends KubernetesObject {
  spec?: { nodeAffinity?: { required?: { nodeSelectorTerms: NodeSelectorTerm[] } } };
}

const persistentVolumes: ResourceRef<PersistentVolume> = {
  group: '',
  version: 'v1',
  resource: 'persistentvolumes',
};

/** Where claims and volumes are looked up; undefined: there is none of that name. */
export interface VolumeSource {
  claim(namespace: string, name: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
}

/**
 * A pod with claims waits until each exists and is bound, and goes only where its volumes can be reached. Claims are
 * bound by others: this plugin neither picks a volume nor asks for one to be made.
 */
export function createVolumeBinding(source: VolumeSource): PreFilterPlugin & FilterPlugin {
  const mounts = ({ shape }: PodInfo, event: ClusterEvent): boolean =>
    event.type === 'StorageChange' &&
    (event.namespace === undefined ||
      (event.namespace === shape.namespace && shape.claimNames.includes(event.name)));
  return {
    name,
    events: [
      { type: 'StorageChange', helps: mounts },
      { type: 'NodeAdd' },
      {
        type: 'NodeUpdate',
        helps: (_pod, event) => event.type === 'NodeUpdate' && event.changes.has('labels'),
      },
    ],
    preFilter(state, { shape }) {
      if (shape.claimNames.length === 0) return skip;
      const predicates: NodePredicate[] = [];
      for (const claimName of shape.claimNames) {
        const volume = boundVolume(source, shape.namespace, claimName);
        if (isStatus(volume)) return volume;
        const { required } = volume.spec?.nodeAffinity ?? {};
        if (required !== undefined) predicates.push(compileNodeSelector(required));
      }
      state.write(volumesKey, predicates);
      return predicates.length === 0 ? skip : undefined;
    },
    filter(state, _pod, node) {
      const predicates = state.read<readonly NodePredicate[]>(volumesKey) ?? [];
      return predicates.every((matches) => matches(node)) ? undefined : elsewhere;
    },
  };
}

function isStatus(found: PersistentVolume | Status): found is Status {
  return 'code' in found;
}

function boundVolume(source: VolumeSource, namespace: string, claimName: string): PersistentVolume | Status {
  const claim = source.claim(namespace, claimName);
  if (claim === undefined)
    return makeStatus('unresolvable', name, `persistentvolumeclaim "${claimName}" not found`);
  const { deletionTimestamp } = claim.metadata;
  if (deletionTimestamp !== undefined)
    return makeStatus('unresolvable', name, `persistentvolumeclaim "${claimName}" is being deleted`);
  if (claim.status?.phase === 'Lost') {
    const missing = String(claim.spec['volumeName'] ?? '');
    const text = `persistentvolumeclaim "${claimName}" bound to non-existent persistentvolume "${missing}"`;
    return makeStatus('unresolvable', name, text);
  }
  const volumeName = claim.spec['volumeName'];
  if (typeof volumeName !== 'string' || volumeName === '' || claim.status?.phase !== 'Bound') return unbound;
  return (
    source.volume(volumeName) ??
    makeStatus('unresolvable', name, `persistentvolume "${volumeName}" not found`)
  );
}

/** Looks into the caches of claims and volumes, and tells the queue of their changes. */
export function followVolumes(informers: InformerFactory, queue: () => SchedulingQueue): VolumeSource {
  const claims = informers.informer(resources.persistentVolumeClaims);
  const volumes = informers.informer(persistentVolumes);
  const tell = ({ metadata }: KubernetesObject): void =>
    queue().notify({ type: 'StorageChange', namespace: metadata.namespace, name: metadata.name ?? '' });
  claims.addHandler({ add: tell, update: tell });
  volumes.addHandler({ add: tell, update: tell });
  return {
    claim: (namespace, claimName) => claims.lister.get(namespace, claimName),
    volume: (volumeName) => volumes.lister.getByKey(volumeName),
  };
}
