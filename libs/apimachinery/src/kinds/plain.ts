import { defineKind } from '../scheme/define-kind.js';
import type { KindDefinition } from '../scheme/define-kind.js';
import {
  apiServiceColumns,
  csiDriverColumns,
  csiNodeColumns,
  deviceTaintRuleColumns,
  flowSchemaColumns,
  ipAddressColumns,
  leaseCandidateColumns,
  podTemplateColumns,
  priorityLevelColumns,
  serviceCidrColumns,
  volumeAttachmentColumns,
  volumeAttributesClassColumns,
} from '../tables/other-columns.js';
import { csrColumns, ingressClassColumns, nameAndAge, runtimeClassColumns } from '../tables/core-columns.js';
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
    columns: podTemplateColumns,
    generation: true,
    setDefaults: (object) => setPodTemplateDefaults(object as { template?: PodTemplateSpec }),
    validate: (object, errors) =>
      validatePodTemplate(object['template'] as PodTemplateSpec | undefined, 'template', errors),
  }),
  defineKind({
    group: 'apiregistration.k8s.io',
    resource: 'apiservices',
    columns: apiServiceColumns,
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
    columns: flowSchemaColumns,
    generation: true,
    setDefaults(object) {
      const spec = (object['spec'] ?? {}) as { matchingPrecedence?: number };
      spec.matchingPrecedence ??= 1000;
    },
  }),
  defineKind({
    group: flowcontrol,
    resource: 'prioritylevelconfigurations',
    generation: true,
    columns: priorityLevelColumns,
  }),
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
  defineKind({
    group: 'networking.k8s.io',
    resource: 'ipaddresses',
    shortNames: ['ip'],
    columns: ipAddressColumns,
  }),
  defineKind({ group: 'networking.k8s.io', resource: 'servicecidrs', columns: serviceCidrColumns }),
  defineKind({ group: 'coordination.k8s.io', resource: 'leasecandidates', columns: leaseCandidateColumns }),
  defineKind({ group: 'node.k8s.io', resource: 'runtimeclasses', columns: runtimeClassColumns }),
  defineKind({ group: resource, resource: 'deviceclasses', generation: true, columns: nameAndAge }),
  defineKind({
    group: resource,
    resource: 'devicetaintrules',
    generation: true,
    columns: deviceTaintRuleColumns,
  }),
  defineKind({
    group: 'storage.k8s.io',
    resource: 'volumeattributesclasses',
    shortNames: ['vac'],
    columns: volumeAttributesClassColumns,
  }),
  defineKind({ group: 'storage.k8s.io', resource: 'volumeattachments', columns: volumeAttachmentColumns }),
  defineKind({ group: 'storage.k8s.io', resource: 'csinodes', columns: csiNodeColumns }),
  defineKind({
    group: 'storage.k8s.io',
    resource: 'csidrivers',
    columns: csiDriverColumns,
    setDefaults(object) {
      const spec = (object['spec'] ?? {}) as Record<string, unknown>;
      spec['attachRequired'] ??= true;
      spec['podInfoOnMount'] ??= false;
      spec['storageCapacity'] ??= false;
      spec['fsGroupPolicy'] ??= 'ReadWriteOnceWithFSType';
      spec['volumeLifecycleModes'] ??= ['Persistent'];
      spec['requiresRepublish'] ??= false;
      spec['seLinuxMount'] ??= false;
    },
  }),
];
