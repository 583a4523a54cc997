import { forbiddenField, invalidValue, required } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import type { FieldErrors } from '../scheme/define-kind.js';
import { semanticEqual } from '../scheme/semantic-equal.js';
import { statefulSetColumns } from '../tables/workload-columns.js';
import type { KubernetesObject } from '../types.js';
import { checkIntOrPercent, checkNonNegative, checkOneOf, checkRule } from './common/checks.js';
import { dnsLabel, isDns1123Label } from './common/names.js';
import { setPodTemplateDefaults } from './common/pod-defaults.js';
import type { PodTemplateSpec } from './common/pod-types.js';
import { checkWorkloadNumbers, checkWorkloadSelector, checkWorkloadTemplate } from './common/workload.js';
import type { RollingUpdate, WorkloadSpec } from './common/workload.js';
import { setClaimSpecDefaults } from './persistent-volume-claim.js';
import type { ClaimSpec } from './persistent-volume-claim.js';

interface StatefulSetSpec extends WorkloadSpec {
  serviceName?: string;
  podManagementPolicy?: string;
  updateStrategy?: { type?: string; rollingUpdate?: RollingUpdate };
  persistentVolumeClaimRetentionPolicy?: { whenDeleted?: string; whenScaled?: string };
  ordinals?: { start?: number };
  volumeClaimTemplates?: (Partial<KubernetesObject> & { spec?: ClaimSpec; status?: object })[];
}

const specOf = (object: KubernetesObject): StatefulSetSpec => (object['spec'] ?? {}) as StatefulSetSpec;

function validate(object: KubernetesObject, errors: FieldErrors, creating: boolean): void {
  const spec = specOf(object);
  const { podManagementPolicy, serviceName = '' } = spec;
  if (podManagementPolicy !== 'OrderedReady' && podManagementPolicy !== 'Parallel')
    errors.push(
      invalidValue('spec.podManagementPolicy', podManagementPolicy, "must be 'OrderedReady' or 'Parallel'"),
    );
  validateStrategy(spec, errors);
  const retention = spec.persistentVolumeClaimRetentionPolicy ?? {};
  const path = 'spec.persistentVolumeClaimRetentionPolicy';
  checkOneOf(retention.whenDeleted, ['Retain', 'Delete'], `${path}.whenDeleted`, errors);
  checkOneOf(retention.whenScaled, ['Retain', 'Delete'], `${path}.whenScaled`, errors);
  checkWorkloadNumbers(spec, errors);
  checkNonNegative(spec.ordinals?.start, 'spec.ordinals.start', errors);
  if (creating && serviceName !== '') checkRule(serviceName, isDns1123Label, 'spec.serviceName', errors);
  checkWorkloadSelector(spec.selector, 'statefulset', errors);
  checkWorkloadTemplate({ ...spec, template: withClaimVolumes(spec) }, 'StatefulSet', errors);
}

/** The controller adds a volume for each claim template, which mounts may name. */
function withClaimVolumes(spec: StatefulSetSpec): PodTemplateSpec {
  const { template = {}, volumeClaimTemplates = [] } = spec;
  if (template.spec === undefined || volumeClaimTemplates.length === 0) return template;
  const claims = volumeClaimTemplates.map(({ metadata }) => ({
    name: metadata?.name ?? '',
    persistentVolumeClaim: { claimName: metadata?.name ?? '' },
  }));
  const names = new Set(claims.map(({ name }) => name));
  const others = (template.spec.volumes ?? []).filter(({ name }) => !names.has(name ?? ''));
  return { ...template, spec: { ...template.spec, volumes: [...claims, ...others] } };
}

function validateStrategy({ updateStrategy = {} }: StatefulSetSpec, errors: FieldErrors): void {
  const { type, rollingUpdate } = updateStrategy;
  const path = 'spec.updateStrategy';
  if (type === undefined) errors.push(required(path));
  else if (type === 'OnDelete') {
    if (rollingUpdate !== undefined)
      errors.push(
        invalidValue(
          `${path}.rollingUpdate`,
          rollingUpdate,
          "only allowed for updateStrategy 'RollingUpdate'",
        ),
      );
  } else if (type === 'RollingUpdate') {
    checkNonNegative(rollingUpdate?.partition, `${path}.rollingUpdate.partition`, errors);
    checkIntOrPercent(rollingUpdate?.maxUnavailable, `${path}.rollingUpdate.maxUnavailable`, errors, 100);
  } else errors.push(invalidValue(path, updateStrategy, "must be 'RollingUpdate' or 'OnDelete'"));
}

const mutable = [
  'replicas',
  'template',
  'updateStrategy',
  'minReadySeconds',
  'ordinals',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
] as const;

export const statefulSet = defineKind({
  group: 'apps',
  resource: 'statefulsets',
  shortNames: ['sts'],
  categories: ['all'],
  generation: true,
  name: dnsLabel,
  columns: statefulSetColumns,
  initialStatus: () => ({ replicas: 0, availableReplicas: 0 }),
  setDefaults(object) {
    const spec = specOf(object);
    spec.podManagementPolicy ??= 'OrderedReady';
    spec.serviceName ??= '';
    spec.replicas ??= 1;
    spec.revisionHistoryLimit ??= 10;
    const strategy = (spec.updateStrategy ??= {});
    if (strategy.type === undefined) {
      strategy.type = 'RollingUpdate';
      strategy.rollingUpdate ??= {};
    }
    if (strategy.type === 'RollingUpdate' && strategy.rollingUpdate !== undefined)
      strategy.rollingUpdate.partition ??= 0;
    const retention = (spec.persistentVolumeClaimRetentionPolicy ??= {});
    retention.whenDeleted ??= 'Retain';
    retention.whenScaled ??= 'Retain';
    for (const claim of spec.volumeClaimTemplates ?? []) {
      claim.apiVersion ??= 'v1';
      claim.kind ??= 'PersistentVolumeClaim';
      if (claim.spec !== undefined) setClaimSpecDefaults(claim.spec);
      claim.status = { phase: 'Pending', ...claim.status };
    }
    setPodTemplateDefaults(spec);
  },
  validate: (object, errors) => validate(object, errors, true),
  validateUpdate(next, previous, errors, subresource) {
    if (subresource === 'status') return;
    validate(next, errors, false);
    const kept = { ...specOf(next) };
    for (const field of mutable) Object.assign(kept, { [field]: specOf(previous)[field] });
    if (!semanticEqual(kept, specOf(previous)))
      errors.push(
        forbiddenField(
          'spec',
          "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        ),
      );
  },
});
