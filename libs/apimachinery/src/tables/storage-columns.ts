import type { KubernetesObject, TableColumn } from '../types.js';
import { ageColumn, nameColumn, text } from './default-columns.js';

interface Spec {
  capacity?: Record<string, string>;
  accessModes?: string[];
  persistentVolumeReclaimPolicy?: string;
  claimRef?: { namespace?: string; name?: string };
  storageClassName?: string;
  volumeAttributesClassName?: string;
  volumeMode?: string;
  volumeName?: string;
}
interface Status {
  phase?: string;
  reason?: string;
  capacity?: Record<string, string>;
  accessModes?: string[];
}

const specOf = (object: KubernetesObject): Spec => (object['spec'] ?? {}) as Spec;
const statusOf = (object: KubernetesObject): Status => (object['status'] ?? {}) as Status;

const shortModes: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

function modes(list: readonly string[] | undefined): string {
  const held = new Set(list);
  return Object.entries(shortModes)
    .filter(([mode]) => held.has(mode))
    .map(([, short]) => short)
    .join(',');
}

function phase(object: KubernetesObject): string {
  return object.metadata.deletionTimestamp === undefined ? (statusOf(object).phase ?? '') : 'Terminating';
}

export const persistentVolumeColumns: readonly TableColumn[] = [
  nameColumn,
  text('Capacity', (o) => specOf(o).capacity?.['storage'] ?? '0'),
  text('Access Modes', (o) => modes(specOf(o).accessModes)),
  text('Reclaim Policy', (o) => specOf(o).persistentVolumeReclaimPolicy ?? ''),
  text('Status', phase),
  text('Claim', (o) => {
    const { claimRef } = specOf(o);
    return claimRef === undefined ? '' : `${claimRef.namespace ?? ''}/${claimRef.name ?? ''}`;
  }),
  text('StorageClass', (o) => specOf(o).storageClassName ?? ''),
  text('VolumeAttributesClass', (o) => specOf(o).volumeAttributesClassName ?? '<unset>'),
  text('Reason', (o) => statusOf(o).reason ?? ''),
  ageColumn,
  text('VolumeMode', (o) => specOf(o).volumeMode ?? '<unset>', 1),
];

/** What a claim has got shows only once it has a volume. */
const bound = (object: KubernetesObject): boolean => (specOf(object).volumeName ?? '') !== '';

export const persistentVolumeClaimColumns: readonly TableColumn[] = [
  nameColumn,
  text('Status', phase),
  text('Volume', (o) => specOf(o).volumeName ?? ''),
  text('Capacity', (o) => (bound(o) ? (statusOf(o).capacity?.['storage'] ?? '0') : '')),
  text('Access Modes', (o) => (bound(o) ? modes(statusOf(o).accessModes) : '')),
  text('StorageClass', (o) => specOf(o).storageClassName ?? ''),
  text('VolumeAttributesClass', (o) => specOf(o).volumeAttributesClassName ?? '<unset>'),
  ageColumn,
  text('VolumeMode', (o) => specOf(o).volumeMode ?? '<unset>', 1),
];

const defaultClass = 'storageclass.kubernetes.io/is-default-class';

export const storageClassColumns: readonly TableColumn[] = [
  {
    ...nameColumn,
    cell: (o) =>
      `${o.metadata.name ?? ''}${o.metadata.annotations?.[defaultClass] === 'true' ? ' (default)' : ''}`,
  },
  text('Provisioner', (o) => (o['provisioner'] as string | undefined) ?? ''),
  text('ReclaimPolicy', (o) => (o['reclaimPolicy'] as string | undefined) ?? 'Delete'),
  text('VolumeBindingMode', (o) => (o['volumeBindingMode'] as string | undefined) ?? 'Immediate'),
  text('AllowVolumeExpansion', (o) => String(o['allowVolumeExpansion'] === true)),
  ageColumn,
];
