import type { ResourceDeclaration } from '#libs/apimachinery';

/** Kinds whose updates must name the resourceVersion that they change, as their strategies demand. */
const conditionalOnly: ReadonlySet<string> = new Set([
  'admissionregistration.k8s.io/mutatingwebhookconfigurations',
  'admissionregistration.k8s.io/validatingwebhookconfigurations',
  'admissionregistration.k8s.io/validatingadmissionpolicies',
  'admissionregistration.k8s.io/validatingadmissionpolicybindings',
  'apiextensions.k8s.io/customresourcedefinitions',
  'apiregistration.k8s.io/apiservices',
  'coordination.k8s.io/leases',
  'discovery.k8s.io/endpointslices',
  'flowcontrol.apiserver.k8s.io/flowschemas',
  'flowcontrol.apiserver.k8s.io/prioritylevelconfigurations',
  'node.k8s.io/runtimeclasses',
  'policy/poddisruptionbudgets',
  'storage.k8s.io/csidrivers',
  'storage.k8s.io/csinodes',
  'storage.k8s.io/csistoragecapacities',
  'storage.k8s.io/volumeattachments',
]);

/** Kinds whose delete answers with the object that was, instead of a Status. */
const returnsDeleted: ReadonlySet<string> = new Set([
  '/persistentvolumeclaims',
  '/persistentvolumes',
  '/pods',
  '/podtemplates',
  '/resourcequotas',
  '/serviceaccounts',
  '/services',
  'node.k8s.io/runtimeclasses',
  'policy/podsecuritypolicies',
  'storage.k8s.io/csidrivers',
  'storage.k8s.io/csinodes',
  'storage.k8s.io/storageclasses',
  'storage.k8s.io/volumeattachments',
]);

export function allowsUnconditionalUpdate({ group, resource, definition }: ResourceDeclaration): boolean {
  // Custom resources, which have no definition in the structure, are always conditional.
  return definition !== undefined && !conditionalOnly.has(`${group}/${resource}`);
}

export function returnsDeletedObject({ group, resource }: ResourceDeclaration): boolean {
  return returnsDeleted.has(`${group}/${resource}`);
}
