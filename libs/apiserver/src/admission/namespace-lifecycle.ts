import { ApiError, forbidden, notFound } from '#libs/apimachinery';
import type { AdmissionAttributes, AdmissionPlugin, AdmissionReader, Reservation } from './plugin.js';

/** Namespaces that may not be deleted. */
const immortal: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public']);

/**
 * Objects are created in namespaces that exist and are not going away. The transaction that creates one also demands
 * that the namespace is still the one that was looked at: none is ever left behind in a namespace that has gone.
 */
export const namespaceLifecycle: AdmissionPlugin = {
  name: 'NamespaceLifecycle',

  handles({ operation, declaration, namespace, subresource }) {
    if (operation === 'DELETE') return isNamespace(declaration);
    return operation === 'CREATE' && namespace !== '' && declaration.namespaced && subresource === '';
  },

  admit(attributes, reader) {
    if (attributes.operation === 'DELETE') return refuseImmortal(attributes);
    const { namespace } = attributes;
    if (reader.createRevision('', 'namespaces', '', namespace) === undefined)
      return reader.refresh().then(() => check(attributes, reader));
    return check(attributes, reader);
  },

  reserve(attributes, reader): Reservation | undefined {
    if (attributes.operation !== 'CREATE') return undefined;
    const { namespace } = attributes;
    const operand = reader.createRevision('', 'namespaces', '', namespace) ?? 0;
    return {
      compare: [
        { key: `/registry/core/namespaces/${namespace}`, target: 'createRevision', operator: '=', operand },
      ],
      operations: [],
      undo: () => {},
    };
  },
};

function isNamespace({ group, resource }: AdmissionAttributes['declaration']): boolean {
  return group === '' && resource === 'namespaces';
}

function refuseImmortal({ name, subresource }: AdmissionAttributes): void {
  if (subresource === '' && immortal.has(name))
    throw forbidden({ group: '', resource: 'namespaces' }, name, 'this namespace may not be deleted');
}

function check(attributes: AdmissionAttributes, reader: AdmissionReader): void {
  const { declaration, namespace, name } = attributes;
  const found = reader.get('', 'namespaces', '', namespace);
  if (found === undefined) throw notFound({ group: '', resource: 'namespaces' }, namespace);
  if (found.metadata.deletionTimestamp === undefined) return;
  const resource = { group: declaration.group, resource: declaration.resource };
  const because = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const refusal = forbidden(resource, name, because);
  throw new ApiError(refusal.code, refusal.reason, refusal.message, {
    ...refusal.details,
    causes: [
      {
        reason: 'NamespaceTerminating',
        message: `namespace ${namespace} is being terminated`,
        field: 'metadata.namespace',
      },
    ],
  });
}
