import { forbiddenField, invalidValue, notSupported, required } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import { semanticEqual } from '../scheme/semantic-equal.js';
import { persistentVolumeClaimColumns } from '../tables/storage-columns.js';
import type { KubernetesObject } from '../types.js';
import { checkLabelSelector, checkOneOf } from './common/checks.js';
import type { LabelSelector, ResourceRequirements } from './common/pod-types.js';
import { compareQuantityTexts, isPositiveQuantity } from './common/resources.js';

export interface ClaimSpec {
  accessModes?: string[];
  resources?: ResourceRequirements;
  storageClassName?: string;
  volumeName?: string;
  volumeMode?: string;
  volumeAttributesClassName?: string;
  selector?: LabelSelector;
  dataSource?: object;
  dataSourceRef?: object;
}

export const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'] as const;

export function setClaimSpecDefaults(spec: ClaimSpec): void {
  spec.volumeMode ??= 'Filesystem';
}

const specOf = (object: KubernetesObject): ClaimSpec => (object['spec'] ?? {}) as ClaimSpec;

export const persistentVolumeClaim = defineKind({
  group: '',
  resource: 'persistentvolumeclaims',
  shortNames: ['pvc'],
  columns: persistentVolumeClaimColumns,
  initialStatus: () => ({ phase: 'Pending' }),
  setDefaults(object) {
    setClaimSpecDefaults(specOf(object));
  },
  validate(object, errors) {
    const spec = specOf(object);
    if ((spec.accessModes ?? []).length === 0)
      errors.push(required('spec.accessModes', 'at least 1 access mode is required'));
    for (const mode of spec.accessModes ?? [])
      if (!accessModes.includes(mode as 'ReadWriteOnce'))
        errors.push(notSupported('spec.accessModes', mode, accessModes));
    checkLabelSelector(spec.selector, 'spec.selector', errors);
    const storage = spec.resources?.requests?.['storage'];
    if (storage === undefined) errors.push(required('spec.resources[storage]'));
    else if (!isPositiveQuantity(storage))
      errors.push(invalidValue('spec.resources[storage]', storage, 'must be greater than zero'));
    checkOneOf(spec.volumeMode, ['Block', 'Filesystem'], 'spec.volumeMode', errors, true);
  },
  validateUpdate(next, previous, errors, subresource) {
    if (subresource === 'status') return;
    const now = specOf(next);
    const before = specOf(previous);
    const storage = now.resources?.requests?.['storage'] ?? '0';
    const stored = before.resources?.requests?.['storage'] ?? '0';
    // Bound claims may grow; a claim without a volume may be bound to one.
    const munged = { ...now };
    const phase = (previous['status'] as { phase?: string } | undefined)?.phase;
    if (phase === 'Bound') munged.resources = before.resources;
    if ((before.volumeName ?? '') === '') munged.volumeName = before.volumeName;
    munged.volumeAttributesClassName = before.volumeAttributesClassName;
    munged.storageClassName ??= before.storageClassName;
    if (!semanticEqual(munged, before))
      errors.push(
        forbiddenField(
          'spec',
          'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
        ),
      );
    if (compareQuantityTexts(storage, stored) < 0)
      errors.push(
        forbiddenField('spec.resources.requests.storage', 'field can not be less than status.capacity'),
      );
  },
});
