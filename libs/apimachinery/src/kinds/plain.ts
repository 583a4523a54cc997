import { defineKind } from '../scheme/define-kind.js';
import type { KindDefinition } from '../scheme/define-kind.js';
import { pathSegment } from './common/names.js';

const admission = 'admissionregistration.k8s.io';
const flowcontrol = 'flowcontrol.apiserver.k8s.io';
const resource = 'resource.k8s.io';

/** Kinds that need no more than names, or a generation, beside their structure. */
export const plainKinds: readonly KindDefinition[] = [
  defineKind({ group: '', resource: 'componentstatuses', shortNames: ['cs'], virtual: true }),
  defineKind({ group: '', resource: 'podtemplates', generation: true }),
  ...[
    'mutatingadmissionpolicies',
    'mutatingadmissionpolicybindings',
    'mutatingwebhookconfigurations',
    'validatingadmissionpolicies',
    'validatingadmissionpolicybindings',
    'validatingwebhookconfigurations',
  ].map((name) =>
    defineKind({ group: admission, resource: name, categories: ['api-extensions'], generation: true }),
  ),
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
  }),
  defineKind({ group: 'certificates.k8s.io', resource: 'clustertrustbundles', name: pathSegment }),
  defineKind({ group: flowcontrol, resource: 'flowschemas', generation: true }),
  defineKind({ group: flowcontrol, resource: 'prioritylevelconfigurations', generation: true }),
  defineKind({ group: 'networking.k8s.io', resource: 'ingressclasses', generation: true }),
  defineKind({ group: 'networking.k8s.io', resource: 'ipaddresses', shortNames: ['ip'] }),
  defineKind({ group: resource, resource: 'deviceclasses', generation: true }),
  defineKind({ group: resource, resource: 'devicetaintrules', generation: true }),
  defineKind({ group: resource, resource: 'resourceslices', generation: true }),
  defineKind({ group: 'storage.k8s.io', resource: 'volumeattributesclasses', shortNames: ['vac'] }),
];
