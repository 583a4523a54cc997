import { defineKind } from '../scheme/define-kind.js';
import type { KindDefinition } from '../scheme/define-kind.js';
import { webhookColumns } from '../tables/core-columns.js';
import {
  mutatingPolicyColumns,
  policyBindingColumns,
  validatingPolicyColumns,
} from '../tables/other-columns.js';
import type { KubernetesObject } from '../types.js';

const group = 'admissionregistration.k8s.io';

interface Rule {
  scope?: string;
}
interface Webhook {
  failurePolicy?: string;
  matchPolicy?: string;
  namespaceSelector?: object;
  objectSelector?: object;
  timeoutSeconds?: number;
  reinvocationPolicy?: string;
  rules?: Rule[];
  clientConfig?: { service?: { port?: number } };
}
interface MatchResources {
  matchPolicy?: string;
  namespaceSelector?: object;
  objectSelector?: object;
  resourceRules?: Rule[];
  excludeResourceRules?: Rule[];
}

function setWebhookDefaults(object: KubernetesObject, mutating: boolean): void {
  for (const webhook of (object['webhooks'] ?? []) as Webhook[]) {
    webhook.failurePolicy ??= 'Fail';
    webhook.matchPolicy ??= 'Equivalent';
    webhook.namespaceSelector ??= {};
    webhook.objectSelector ??= {};
    webhook.timeoutSeconds ??= 10;
    if (mutating) webhook.reinvocationPolicy ??= 'Never';
    for (const rule of webhook.rules ?? []) rule.scope ??= '*';
    if (webhook.clientConfig?.service !== undefined) webhook.clientConfig.service.port ??= 443;
  }
}

function setMatchDefaults(match: MatchResources | undefined): void {
  if (match === undefined) return;
  match.matchPolicy ??= 'Equivalent';
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])])
    rule.scope ??= '*';
}

interface PolicySpec {
  failurePolicy?: string;
  reinvocationPolicy?: string;
  matchConstraints?: MatchResources;
  matchResources?: MatchResources;
}

const specOf = (object: KubernetesObject): PolicySpec => (object['spec'] ?? {}) as PolicySpec;

const common = { group, categories: ['api-extensions'], generation: true } as const;

export const admissionKinds: readonly KindDefinition[] = [
  ...[true, false].map((mutating) =>
    defineKind({
      ...common,
      resource: mutating ? 'mutatingwebhookconfigurations' : 'validatingwebhookconfigurations',
      columns: webhookColumns,
      setDefaults: (object) => setWebhookDefaults(object, mutating),
    }),
  ),
  ...['mutatingadmissionpolicies', 'validatingadmissionpolicies'].map((resource) =>
    defineKind({
      ...common,
      resource,
      columns: resource.startsWith('mutating') ? mutatingPolicyColumns : validatingPolicyColumns,
      setDefaults(object) {
        const spec = specOf(object);
        spec.failurePolicy ??= 'Fail';
        setMatchDefaults(spec.matchConstraints);
      },
    }),
  ),
  ...['mutatingadmissionpolicybindings', 'validatingadmissionpolicybindings'].map((resource) =>
    defineKind({
      ...common,
      resource,
      columns: policyBindingColumns,
      setDefaults: (object) => setMatchDefaults(specOf(object).matchResources),
    }),
  ),
];
