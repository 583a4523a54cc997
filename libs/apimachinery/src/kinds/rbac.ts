import { invalidValue, notSupported, required } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import type { FieldErrors } from '../scheme/define-kind.js';
import { semanticEqual } from '../scheme/semantic-equal.js';
import { bindingColumns } from '../tables/policy-columns.js';
import type { KubernetesObject } from '../types.js';
import { checkLabelSelector, checkRule } from './common/checks.js';
import { isDns1123Subdomain, pathSegment } from './common/names.js';
import type { LabelSelector } from './common/pod-types.js';

const group = 'rbac.authorization.k8s.io';

interface PolicyRule {
  verbs?: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
}

interface Role {
  rules?: PolicyRule[];
  aggregationRule?: { clusterRoleSelectors?: LabelSelector[] };
}

interface Binding {
  roleRef?: { apiGroup?: string; kind?: string; name?: string };
  subjects?: { kind?: string; apiGroup?: string; name?: string; namespace?: string }[];
}

function checkRules(object: KubernetesObject, namespaced: boolean, errors: FieldErrors): void {
  for (const [index, rule] of ((object as Role).rules ?? []).entries()) {
    const at = `rules[${index}]`;
    const { verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
    if (verbs.length === 0) errors.push(required(`${at}.verbs`, 'verbs must contain at least one value'));
    if (nonResourceURLs.length > 0) {
      const path = `${at}.nonResourceURLs`;
      if (namespaced)
        errors.push(
          invalidValue(path, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'),
        );
      if (apiGroups.length + resources.length + resourceNames.length > 0)
        errors.push(
          invalidValue(
            path,
            nonResourceURLs,
            'rules cannot apply to both regular resources and non-resource URLs',
          ),
        );
      continue;
    }
    if (apiGroups.length === 0)
      errors.push(required(`${at}.apiGroups`, 'resource rules must supply at least one api group'));
    if (resources.length === 0)
      errors.push(required(`${at}.resources`, 'resource rules must supply at least one resource'));
  }
}

function checkBinding(object: KubernetesObject, namespaced: boolean, errors: FieldErrors): void {
  const { roleRef = {}, subjects = [] } = object as Binding;
  const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole'];
  if (roleRef.apiGroup !== group) errors.push(notSupported('roleRef.apiGroup', roleRef.apiGroup, [group]));
  if (!kinds.includes(roleRef.kind ?? '')) errors.push(notSupported('roleRef.kind', roleRef.kind, kinds));
  if ((roleRef.name ?? '') === '') errors.push(required('roleRef.name'));
  else checkRule(roleRef.name!, (name) => pathSegment(name, false), 'roleRef.name', errors);
  for (const [index, subject] of subjects.entries()) {
    const at = `subjects[${index}]`;
    const { kind = '', name = '', apiGroup = '', namespace = '' } = subject;
    if (name === '') errors.push(required(`${at}.name`));
    if (kind === 'ServiceAccount') {
      if (name !== '') checkRule(name, isDns1123Subdomain, `${at}.name`, errors);
      if (apiGroup !== '') errors.push(notSupported(`${at}.apiGroup`, apiGroup, ['']));
      if (!namespaced && namespace === '') errors.push(required(`${at}.namespace`));
    } else if (kind === 'User' || kind === 'Group') {
      if (apiGroup !== group) errors.push(notSupported(`${at}.apiGroup`, apiGroup, [group]));
    } else errors.push(notSupported(`${at}.kind`, kind, ['ServiceAccount', 'User', 'Group']));
  }
}

function setBindingDefaults(object: KubernetesObject): void {
  const { roleRef, subjects } = object as Binding;
  if (roleRef !== undefined) roleRef.apiGroup ??= group;
  for (const subject of subjects ?? [])
    if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ??= group;
}

function binding(resource: string, namespaced: boolean) {
  return defineKind({
    group,
    resource,
    name: pathSegment,
    columns: bindingColumns,
    setDefaults: setBindingDefaults,
    validate: (object, errors) => checkBinding(object, namespaced, errors),
    validateUpdate(next, previous, errors) {
      checkBinding(next, namespaced, errors);
      if (!semanticEqual((next as Binding).roleRef, (previous as Binding).roleRef))
        errors.push(invalidValue('roleRef', (next as Binding).roleRef, 'cannot change roleRef'));
    },
  });
}

export const role = defineKind({
  group,
  resource: 'roles',
  name: pathSegment,
  validate: (object, errors) => checkRules(object, true, errors),
});

export const clusterRole = defineKind({
  group,
  resource: 'clusterroles',
  name: pathSegment,
  validate(object, errors) {
    checkRules(object, false, errors);
    const { aggregationRule } = object as Role;
    if (aggregationRule === undefined) return;
    const path = 'aggregationRule.clusterRoleSelectors';
    const { clusterRoleSelectors = [] } = aggregationRule;
    if (clusterRoleSelectors.length === 0)
      errors.push(required(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil'));
    for (const [index, selector] of clusterRoleSelectors.entries())
      checkLabelSelector(selector, `${path}[${index}]`, errors);
  },
});

export const roleBinding = binding('rolebindings', true);
export const clusterRoleBinding = binding('clusterrolebindings', false);
