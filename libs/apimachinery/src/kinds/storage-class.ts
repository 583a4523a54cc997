import { forbiddenField, required } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import { semanticEqual } from '../scheme/semantic-equal.js';
import { storageClassColumns } from '../tables/storage-columns.js';
import { checkOneOf, checkRule } from './common/checks.js';
import { isQualifiedName } from './common/names.js';
import { checkImmutable } from './common/workload.js';

interface StorageClass {
  provisioner?: string;
  parameters?: Record<string, string>;
  reclaimPolicy?: string;
  volumeBindingMode?: string;
}

export const storageClass = defineKind({
  group: 'storage.k8s.io',
  resource: 'storageclasses',
  shortNames: ['sc'],
  columns: storageClassColumns,
  setDefaults(object) {
    object['reclaimPolicy'] ??= 'Delete';
    object['volumeBindingMode'] ??= 'Immediate';
  },
  validate(object, errors) {
    const { provisioner = '', reclaimPolicy, volumeBindingMode } = object as StorageClass;
    if (provisioner === '') errors.push(required('provisioner'));
    else checkRule(provisioner.toLowerCase(), isQualifiedName, 'provisioner', errors);
    checkOneOf(reclaimPolicy, ['Delete', 'Retain'], 'reclaimPolicy', errors, true);
    checkOneOf(volumeBindingMode, ['Immediate', 'WaitForFirstConsumer'], 'volumeBindingMode', errors);
  },
  validateUpdate(next, previous, errors) {
    const now = next as StorageClass;
    const before = previous as StorageClass;
    if (!semanticEqual(now.parameters, before.parameters))
      errors.push(forbiddenField('parameters', 'updates to parameters are forbidden.'));
    if (now.provisioner !== before.provisioner)
      errors.push(forbiddenField('provisioner', 'updates to provisioner are forbidden.'));
    if (now.reclaimPolicy !== before.reclaimPolicy)
      errors.push(forbiddenField('reclaimPolicy', 'updates to reclaimPolicy are forbidden.'));
    checkImmutable(now.volumeBindingMode, before.volumeBindingMode, 'volumeBindingMode', errors);
  },
});
