import { defineKind } from '../scheme/define-kind.js';
import type { KindDefinition } from '../scheme/define-kind.js';
import { csrColumns, ingressClassColumns, runtimeClassColumns } from '../tables/core-columns.js';
import { pathSegment } from './common/names.js';
import { setPodTemplateDefaults } from './common/pod-defaults.js';
import { validatePodTemplate } from './common/pod-spec.js';
import type { PodTemplateSpec } from './common/pod-types.js';

const flowcontrol = 'flowcontrol.apiserver.k8s.io';
const resource = 'resource.k8s.io';

/** Kinds that need little beside their structure. */
export const plainKinds: readonly KindDefinition[] = [
  defineKind({ group: '', resource: 'componentstatuses', shortNames: ['cs'], virtual: true }),
  defineKind({
    group: '',
    resource: 'podtemplates',
    generation: true,
    setDefaults: (object) => setPodTemplateDefaults(object as { template?: PodTemplateSpec }),
    validate: (object, errors) =>
      validatePodTemplate(object['template'] as PodTemplateSpec | undefined, 'template', errors),
  }),
  defineKind({
    group: 'apiregistration.k8s.io',
    resource: 'apiservices',
    categories: ['api-extensions'],
  }),
  defineKind({
    group: 'certificates.k8s.io',
    resource: 'certificatesigningrequests',
    shortNames: ['csr'],
    name: pathSegment,
    columns: csrColumns,
    selectableFields: {
      'spec.signerName': (object) =>
        (object['spec'] as { signerName?: string } | undefined)?.signerName ?? '',
    },
    statusWriters: ['approval'],
    // Who approves decides; what was asked for stays as it was asked.
    prepareForUpdate(next, previous, { subresource }) {
      next['spec'] = previous['spec'];
      const was = (previous['status'] ?? {}) as { conditions?: unknown; certificate?: unknown };
      if (subresource === 'approval') {
        const { conditions } = (next['status'] ?? {}) as { conditions?: unknown };
        next['status'] = { ...was, ...(conditions === undefined ? {} : { conditions }) };
      }
    },
  }),
  defineKind({ group: 'certificates.k8s.io', resource: 'clustertrustbundles', name: pathSegment }),
  defineKind({
    group: flowcontrol,
    resource: 'flowschemas',
    generation: true,
    setDefaults(object) {
      const spec = (object['spec'] ?? {}) as { matchingPrecedence?: number };
      spec.matchingPrecedence ??= 1000;
    },
  }),
  defineKind({ group: flowcontrol, resource: 'prioritylevelconfigurations', generation: true }),
  defineKind({
    group: 'networking.k8s.io',
    resource: 'ingressclasses',
    generation: true,
    columns: ingressClassColumns,
    setDefaults(object) {
      const { parameters } = (object['spec'] ?? {}) as { parameters?: { scope?: string } };
      if (parameters !== undefined) parameters.scope ??= 'Cluster';
    },
  }),
  defineKind({ group: 'networking.k8s.io', resource: 'ipaddresses', shortNames: ['ip'] }),
  defineKind({ group: 'node.k8s.io', resource: 'runtimeclasses', columns: runtimeClassColumns }),
  defineKind({ group: resource, resource: 'deviceclasses', generation: true }),
  defineKind({ group: resource, resource: 'devicetaintrules', generation: true }),
  defineKind({ group: 'storage.k8s.io', resource: 'volumeattributesclasses', shortNames: ['vac'] }),
];
