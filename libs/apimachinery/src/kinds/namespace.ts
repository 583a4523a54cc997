import { defineKind } from '../scheme/define-kind.js';
import { namespaceColumns } from '../tables/core-columns.js';
import type { KubernetesObject } from '../types.js';
import { dnsLabel } from './common/names.js';

interface NamespaceSpec {
  finalizers?: string[];
}

/** The label by which selectors find a namespace by name. */
const nameLabel = 'kubernetes.io/metadata.name';

function labelWithName({ metadata }: KubernetesObject): void {
  if (metadata.name !== undefined && metadata.labels?.[nameLabel] !== metadata.name)
    metadata.labels = { ...metadata.labels, [nameLabel]: metadata.name };
}

export const namespace = defineKind({
  group: '',
  resource: 'namespaces',
  shortNames: ['ns'],
  name: dnsLabel,
  columns: namespaceColumns,
  initialStatus: () => ({ phase: 'Active' }),
  setDefaults: labelWithName,
  /** The namespace controller removes this finalizer once the namespace is empty. */
  prepareForCreate(object) {
    // A generated name came after the defaults.
    labelWithName(object);
    const spec = (object['spec'] ?? {}) as NamespaceSpec;
    const finalizers = spec.finalizers ?? [];
    object['spec'] = {
      ...spec,
      finalizers: finalizers.includes('kubernetes') ? finalizers : [...finalizers, 'kubernetes'],
    };
  },
  prepareForUpdate(next, previous, { subresource }) {
    // Finalizers change by the finalize subresource alone, which changes nothing else of the status.
    if (subresource !== 'finalize') {
      if (previous['spec'] === undefined) delete next['spec'];
      else next['spec'] = previous['spec'];
    }
  },
  selectableFields: {
    'status.phase': (object) => (object['status'] as { phase?: string } | undefined)?.phase ?? '',
    name: (object) => object.metadata.name ?? '',
  },
});
