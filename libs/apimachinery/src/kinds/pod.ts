import { forbiddenField, invalidValue } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import type { FieldErrors } from '../scheme/define-kind.js';
import { semanticEqual } from '../scheme/semantic-equal.js';
import { podColumns } from '../tables/pod-columns.js';
import type { KubernetesObject } from '../types.js';
import { inclusiveRangeError } from './common/names.js';
import { setPodDefaults } from './common/pod-defaults.js';
import { validatePodSpec } from './common/pod-spec.js';
import type { Container, PodSpec, PodStatus } from './common/pod-types.js';
import { qosClassOf } from './common/resources.js';

const specOf = (pod: KubernetesObject): PodSpec => (pod['spec'] ?? {}) as PodSpec;
const statusOf = (pod: KubernetesObject): PodStatus => (pod['status'] ?? {}) as PodStatus;

/** Source: pkg/registry/core/pod/strategy.go and pkg/apis/core/validation. */
export const pod = defineKind({
  group: '',
  resource: 'pods',
  shortNames: ['po'],
  categories: ['all'],
  generation: true,
  columns: podColumns,
  gracePeriodSeconds(pod) {
    const spec = specOf(pod);
    const phase = statusOf(pod).phase;
    // A pod that runs nowhere has nothing to wind down.
    if ((spec.nodeName ?? '') === '' || phase === 'Failed' || phase === 'Succeeded') return 0;
    return spec.terminationGracePeriodSeconds ?? 30;
  },
  setDefaults(pod) {
    if (pod['spec'] !== undefined) setPodDefaults(specOf(pod));
  },
  initialStatus(pod, { now }) {
    const gated = (specOf(pod).schedulingGates ?? []).length > 0;
    return {
      phase: 'Pending',
      ...(gated
        ? {
            conditions: [
              {
                type: 'PodScheduled',
                status: 'False',
                lastTransitionTime: now,
                reason: 'SchedulingGated',
                message: 'Scheduling is blocked due to non-empty scheduling gates',
              },
            ],
          }
        : {}),
      qosClass: qosClassOf(specOf(pod)),
    };
  },
  prepareForUpdate(next, previous, { subresource }) {
    if (subresource === 'status') {
      // Who owns a pod is not the node's to change.
      keepOwners(next, previous);
      const status = next['status'] as PodStatus | undefined;
      if (status !== undefined)
        status.qosClass ??= statusOf(previous).qosClass ?? qosClassOf(specOf(previous));
    } else if (subresource === 'resize') next['spec'] = resized(specOf(next), specOf(previous));
    else if (subresource === 'ephemeralcontainers')
      next['spec'] = { ...specOf(previous), ephemeralContainers: specOf(next).ephemeralContainers ?? [] };
  },
  validate(pod, errors) {
    validatePodSpec(specOf(pod), 'spec', errors);
    if ((specOf(pod).ephemeralContainers ?? []).length > 0)
      errors.push(forbiddenField('spec.ephemeralContainers', 'cannot be set on create'));
    if ((specOf(pod).nodeName ?? '') !== '' && (specOf(pod).schedulingGates ?? []).length > 0)
      errors.push(
        forbiddenField('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'),
      );
  },
  validateUpdate(next, previous, errors, subresource) {
    if (subresource === 'status') return;
    validatePodSpec(specOf(next), 'spec', errors);
    if (subresource === 'resize') validateResize(next, previous, errors);
    else if (subresource === 'ephemeralcontainers') validateEphemeralUpdate(next, previous, errors);
    else validateSpecUpdate(specOf(next), specOf(previous), errors);
  },
  selectableFields: {
    'spec.nodeName': (pod) => specOf(pod).nodeName ?? '',
    'spec.restartPolicy': (pod) => specOf(pod).restartPolicy ?? '',
    'spec.schedulerName': (pod) => specOf(pod).schedulerName ?? '',
    'spec.serviceAccountName': (pod) => specOf(pod).serviceAccountName ?? '',
    'spec.hostNetwork': (pod) => String(specOf(pod).hostNetwork === true),
    'status.phase': (pod) => statusOf(pod).phase ?? '',
    'status.podIP': (pod) => statusOf(pod).podIPs?.[0]?.ip ?? statusOf(pod).podIP ?? '',
    'status.nominatedNodeName': (pod) => statusOf(pod).nominatedNodeName ?? '',
  },
});

function keepOwners(next: KubernetesObject, previous: KubernetesObject): void {
  const owners = previous.metadata.ownerReferences;
  if (owners === undefined) delete next.metadata.ownerReferences;
  else next.metadata.ownerReferences = owners;
}

const updatable = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',');

function validateSpecUpdate(next: PodSpec, previous: PodSpec, errors: FieldErrors): void {
  for (const list of ['containers', 'initContainers'] as const) {
    if ((next[list] ?? []).length !== (previous[list] ?? []).length) {
      errors.push(forbiddenField(`spec.${list}`, 'pod updates may not add or remove containers'));
      return;
    }
  }
  if (!validateDeadlineUpdate(next, previous, errors)) return;
  const tolerations = next.tolerations ?? [];
  for (const toleration of previous.tolerations ?? []) {
    if (tolerations.some((candidate) => sameButSeconds(candidate, toleration))) continue;
    errors.push(
      forbiddenField(
        'spec.tolerations',
        'existing toleration can not be modified except its tolerationSeconds',
      ),
    );
  }
  const gates = new Set((previous.schedulingGates ?? []).map(({ name }) => name));
  const added = (next.schedulingGates ?? []).find(({ name }) => !gates.has(name));
  if (added !== undefined)
    errors.push(
      forbiddenField(
        'spec.schedulingGates',
        `only deletion is allowed, but found new scheduling gate '${added.name}'`,
      ),
    );
  if (semanticEqual(next, previous)) return;
  const munged: PodSpec = {
    ...next,
    ...keep(previous, ['activeDeadlineSeconds', 'tolerations', 'schedulingGates']),
    containers: withImagesOf(next.containers, previous.containers),
    initContainers: withImagesOf(next.initContainers, previous.initContainers),
  };
  if ((previous.terminationGracePeriodSeconds ?? 0) < 0 && next.terminationGracePeriodSeconds === 1)
    Object.assign(munged, keep(previous, ['terminationGracePeriodSeconds']));
  // A gated pod has not been placed yet: where it may go can still be narrowed.
  if (gates.size > 0) Object.assign(munged, keep(previous, ['nodeSelector', 'affinity']));
  const changed = Object.keys({ ...munged, ...previous }).filter(
    (key) => !semanticEqual(munged[key as keyof PodSpec], previous[key as keyof PodSpec]),
  );
  if (changed.length > 0)
    errors.push(
      forbiddenField(
        'spec',
        `pod updates may not change fields other than ${updatable}\nchanged: ${changed.map((key) => `spec.${key}`).join(', ')}`,
      ),
    );
}

function keep<K extends keyof PodSpec>(spec: PodSpec, keys: readonly K[]): Pick<PodSpec, K> {
  const kept: Partial<Record<K, unknown>> = {};
  for (const key of keys) kept[key] = spec[key];
  return kept as Pick<PodSpec, K>;
}

function withImagesOf(next: Container[] | undefined, previous: Container[] | undefined): Container[] {
  return (next ?? []).map((container, index) => {
    const image = previous?.[index]?.image;
    return image === undefined ? container : { ...container, image };
  });
}

function sameButSeconds(a: object, b: object): boolean {
  return semanticEqual({ ...a, tolerationSeconds: undefined }, { ...b, tolerationSeconds: undefined });
}

/** False where nothing more is worth checking. */
function validateDeadlineUpdate(next: PodSpec, previous: PodSpec, errors: FieldErrors): boolean {
  const path = 'spec.activeDeadlineSeconds';
  const now = next.activeDeadlineSeconds;
  const before = previous.activeDeadlineSeconds;
  if (now === undefined) {
    if (before !== undefined)
      errors.push(invalidValue(path, null, 'must not update from a positive integer to nil value'));
    return true;
  }
  if (now < 0 || now > 2147483647) {
    errors.push(invalidValue(path, now, inclusiveRangeError(0, 2147483647)));
    return false;
  }
  if (before !== undefined && before < now) {
    errors.push(invalidValue(path, now, 'must be less than or equal to previous value'));
    return false;
  }
  return true;
}

/** The previous spec with the containers' resources of the next one. */
function resized(next: PodSpec, previous: PodSpec): PodSpec {
  const take = (from: Container[] | undefined, to: Container[] | undefined): Container[] | undefined =>
    to?.map((container) => {
      const match = from?.find(({ name }) => name === container.name);
      if (match === undefined) return container;
      const { resources, resizePolicy } = match;
      return {
        ...container,
        ...(resources === undefined ? {} : { resources }),
        ...(resizePolicy === undefined ? {} : { resizePolicy }),
      };
    });
  const containers = take(next.containers, previous.containers);
  const initContainers = take(next.initContainers, previous.initContainers);
  return {
    ...previous,
    ...(containers === undefined ? {} : { containers }),
    ...(initContainers === undefined ? {} : { initContainers }),
  };
}

function validateResize(next: KubernetesObject, previous: KubernetesObject, errors: FieldErrors): void {
  if (qosClassOf(specOf(next)) !== (statusOf(previous).qosClass ?? qosClassOf(specOf(previous))))
    errors.push(
      invalidValue('spec', qosClassOf(specOf(next)), 'Pod QOS Class may not change as a result of resizing'),
    );
}

function validateEphemeralUpdate(
  next: KubernetesObject,
  previous: KubernetesObject,
  errors: FieldErrors,
): void {
  const now = specOf(next).ephemeralContainers ?? [];
  for (const old of specOf(previous).ephemeralContainers ?? []) {
    const same = now.find(({ name }) => name === old.name);
    if (same === undefined)
      errors.push(
        forbiddenField(
          'spec.ephemeralContainers',
          `existing ephemeral containers ${JSON.stringify(old.name)} may not be removed\n`,
        ),
      );
    else if (!semanticEqual(same, old))
      errors.push(
        forbiddenField(
          'spec.ephemeralContainers',
          `existing ephemeral containers ${JSON.stringify(old.name)} may not be changed\n`,
        ),
      );
  }
}
