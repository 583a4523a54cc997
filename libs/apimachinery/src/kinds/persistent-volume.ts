import { forbiddenField, invalidValue, notSupported, required } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import type { FieldErrors } from '../scheme/define-kind.js';
import { semanticEqual } from '../scheme/semantic-equal.js';
import { persistentVolumeColumns } from '../tables/storage-columns.js';
import type { KubernetesObject } from '../types.js';
import { checkOneOf } from './common/checks.js';
import { isPositiveQuantity } from './common/resources.js';
import { checkImmutable } from './common/workload.js';
import { accessModes } from './persistent-volume-claim.js';

interface VolumeSpec {
  accessModes?: string[];
  capacity?: Record<string, string>;
  persistentVolumeReclaimPolicy?: string;
  volumeMode?: string;
  [field: string]: unknown;
}

const specOf = (object: KubernetesObject): VolumeSpec => (object['spec'] ?? {}) as VolumeSpec;

/** Fields of the spec that are no volume source. */
const notSources = new Set([
  'accessModes',
  'capacity',
  'claimRef',
  'mountOptions',
  'nodeAffinity',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'volumeAttributesClassName',
  'volumeMode',
]);

const sourcesOf = (spec: VolumeSpec): string[] => Object.keys(spec).filter((field) => !notSources.has(field));

function validate(object: KubernetesObject, errors: FieldErrors): void {
  const spec = specOf(object);
  const { capacity = {} } = spec;
  if ((spec.accessModes ?? []).length === 0) errors.push(required('spec.accessModes'));
  for (const mode of spec.accessModes ?? [])
    if (!accessModes.includes(mode as 'ReadWriteOnce'))
      errors.push(notSupported('spec.accessModes', mode, accessModes));
  if (spec.accessModes?.includes('ReadWriteOncePod') === true && spec.accessModes.length > 1)
    errors.push(forbiddenField('spec.accessModes', 'may not use ReadWriteOncePod with other access modes'));
  if (Object.keys(capacity).length === 0) errors.push(required('spec.capacity'));
  if (capacity['storage'] === undefined || Object.keys(capacity).length > 1)
    errors.push(notSupported('spec.capacity', capacity, ['storage']));
  for (const [name, quantity] of Object.entries(capacity))
    if (!isPositiveQuantity(quantity))
      errors.push(invalidValue(`spec.capacity[${name}]`, quantity, 'must be greater than zero'));
  checkOneOf(
    spec.persistentVolumeReclaimPolicy,
    ['Delete', 'Recycle', 'Retain'],
    'spec.persistentVolumeReclaimPolicy',
    errors,
    true,
  );
  checkOneOf(spec.volumeMode, ['Block', 'Filesystem'], 'spec.volumeMode', errors, true);
  const sources = sourcesOf(spec);
  if (sources.length === 0) errors.push(required('spec', 'must specify a volume type'));
  for (const extra of sources.slice(1))
    errors.push(forbiddenField(`spec.${extra}`, 'may not specify more than 1 volume type'));
}

export const persistentVolume = defineKind({
  group: '',
  resource: 'persistentvolumes',
  shortNames: ['pv'],
  columns: persistentVolumeColumns,
  initialStatus: (_object, { now }) => ({ phase: 'Pending', lastPhaseTransitionTime: now }),
  setDefaults(object) {
    const spec = specOf(object);
    spec.persistentVolumeReclaimPolicy ??= 'Retain';
    spec.volumeMode ??= 'Filesystem';
    const { hostPath } = spec as { hostPath?: { type?: string } };
    if (hostPath !== undefined) hostPath.type ??= '';
  },
  validate,
  validateUpdate(next, previous, errors, subresource) {
    if (subresource === 'status') return;
    validate(next, errors);
    const now = specOf(next);
    const before = specOf(previous);
    const source = (spec: VolumeSpec): object =>
      Object.fromEntries(sourcesOf(spec).map((field) => [field, spec[field]]));
    if (!semanticEqual(source(now), source(before)))
      errors.push(
        forbiddenField(
          'spec.persistentvolumesource',
          'spec.persistentvolumesource is immutable after creation',
        ),
      );
    checkImmutable(now.volumeMode, before.volumeMode, 'volumeMode', errors);
  },
  selectableFields: { name: (object) => object.metadata.name ?? '' },
});
