import { invalidValue, notSupported, required } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import type { FieldErrors } from '../scheme/define-kind.js';
import type { KubernetesObject } from '../types.js';
import { checkRule } from './common/checks.js';
import { isDns1035Label, isDns1123Subdomain } from './common/names.js';
import { checkImmutable } from './common/workload.js';

interface Names {
  plural?: string;
  singular?: string;
  kind?: string;
  listKind?: string;
  shortNames?: string[];
}
interface DefinitionSpec {
  group?: string;
  scope?: string;
  names?: Names;
  versions?: { name?: string; served?: boolean; storage?: boolean; schema?: { openAPIV3Schema?: object } }[];
  conversion?: { strategy?: string; webhook?: { conversionReviewVersions?: string[] } };
  preserveUnknownFields?: boolean;
}
interface DefinitionStatus {
  storedVersions?: string[];
  conditions?: { type?: string; status?: string }[];
}

const specOf = (object: KubernetesObject): DefinitionSpec => (object['spec'] ?? {}) as DefinitionSpec;

function checkNames(spec: DefinitionSpec, errors: FieldErrors): void {
  const { names = {} } = spec;
  for (const field of ['plural', 'singular', 'kind', 'listKind'] as const) {
    const value = names[field] ?? '';
    if (value === '') errors.push(required(`spec.names.${field}`));
    else checkRule(value.toLowerCase(), isDns1035Label, `spec.names.${field}`, errors);
  }
  for (const [index, name] of (names.shortNames ?? []).entries())
    checkRule(name, isDns1035Label, `spec.names.shortNames[${index}]`, errors);
  if (names.kind !== undefined && names.kind === names.listKind)
    errors.push(invalidValue('spec.names.listKind', names.listKind, 'kind and listKind may not be the same'));
}

function checkVersions(spec: DefinitionSpec, errors: FieldErrors): void {
  const { versions = [] } = spec;
  const seen = new Set<string>();
  for (const [index, { name = '', schema }] of versions.entries()) {
    const at = `spec.versions[${index}]`;
    checkRule(name, isDns1035Label, `${at}.name`, errors);
    if (seen.has(name))
      errors.push(
        invalidValue(
          'spec.versions',
          versions.map((one) => one.name),
          'must contain unique version names',
        ),
      );
    seen.add(name);
    if (schema?.openAPIV3Schema === undefined) errors.push(required(`${at}.schema.openAPIV3Schema`));
  }
  if (versions.filter(({ storage }) => storage === true).length !== 1)
    errors.push(
      invalidValue(
        'spec.versions',
        versions.map(({ name }) => name),
        'must have exactly one version marked as storage version',
      ),
    );
}

function validate(object: KubernetesObject, errors: FieldErrors): void {
  const spec = specOf(object);
  const { group = '', scope, names = {}, conversion = {} } = spec;
  const wanted = `${names.plural ?? ''}.${group}`;
  if (object.metadata.name !== wanted)
    errors.push(
      invalidValue('metadata.name', object.metadata.name ?? '', 'must be spec.names.plural+"."+spec.group'),
    );
  if (group === '') errors.push(required('spec.group'));
  else {
    checkRule(group, isDns1123Subdomain, 'spec.group', errors);
    if (!group.includes('.'))
      errors.push(invalidValue('spec.group', group, 'should be a domain with at least one dot'));
  }
  if (scope === undefined) errors.push(required('spec.scope'));
  else if (scope !== 'Cluster' && scope !== 'Namespaced')
    errors.push(notSupported('spec.scope', scope, ['Cluster', 'Namespaced']));
  checkVersions(spec, errors);
  checkNames(spec, errors);
  if (conversion.strategy !== 'None' && conversion.strategy !== 'Webhook')
    errors.push(notSupported('spec.conversion.strategy', conversion.strategy, ['None', 'Webhook']));
  if (spec.preserveUnknownFields === true)
    errors.push(
      invalidValue(
        'spec.preserveUnknownFields',
        true,
        'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
      ),
    );
}

/** Once a version has been stored, objects of it may be anywhere in the store. */
function rememberStorageVersion(object: KubernetesObject): void {
  const stored = specOf(object).versions?.find(({ storage }) => storage === true)?.name;
  if (stored === undefined) return;
  const status = (object['status'] ?? {}) as DefinitionStatus;
  const storedVersions = status.storedVersions ?? [];
  if (!storedVersions.includes(stored))
    object['status'] = { ...status, storedVersions: [...storedVersions, stored] };
}

const established = (object: KubernetesObject): boolean =>
  ((object['status'] ?? {}) as DefinitionStatus).conditions?.some(
    ({ type, status }) => type === 'Established' && status === 'True',
  ) === true;

export const customResourceDefinition = defineKind({
  group: 'apiextensions.k8s.io',
  resource: 'customresourcedefinitions',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  generation: true,
  customFinalizers: true,
  initialStatus: () => ({ acceptedNames: { kind: '', plural: '' } }),
  setDefaults(object) {
    const spec = specOf(object);
    const names = (spec.names ??= {});
    if (names.kind !== undefined) {
      names.singular ??= names.kind.toLowerCase();
      names.listKind ??= `${names.kind}List`;
    }
    spec.conversion ??= { strategy: 'None' };
  },
  prepareForCreate: rememberStorageVersion,
  prepareForUpdate(next, _previous, { subresource }) {
    if (subresource !== 'status') rememberStorageVersion(next);
  },
  validate,
  validateUpdate(next, previous, errors, subresource) {
    if (subresource === 'status') return;
    validate(next, errors);
    const now = specOf(next);
    const before = specOf(previous);
    checkImmutable(now.group, before.group, 'spec.group', errors);
    checkImmutable(now.names?.plural, before.names?.plural, 'spec.names.plural', errors);
    if (!established(previous)) return;
    checkImmutable(now.scope, before.scope, 'spec.scope', errors);
    checkImmutable(now.names?.kind, before.names?.kind, 'spec.names.kind', errors);
  },
});
