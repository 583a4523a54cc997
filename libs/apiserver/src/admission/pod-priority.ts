import { forbidden, type KubernetesObject } from '#libs/apimachinery';
import type { AdmissionPlugin, AdmissionReader } from './plugin.js';

interface PriorityClass extends KubernetesObject {
  value?: number;
  globalDefault?: boolean;
  preemptionPolicy?: string;
}

interface PodSpec {
  priorityClassName?: string;
  priority?: number;
  preemptionPolicy?: string;
}

const group = 'scheduling.k8s.io';
/** The classes that every cluster has, known here even before they are stored. */
const systemClasses: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

/** Turns a pod's priority class into the number that the scheduler compares. */
export const podPriority: AdmissionPlugin = {
  name: 'Priority',

  handles: ({ operation, declaration, subresource }) =>
    operation === 'CREATE' &&
    declaration.resource === 'pods' &&
    declaration.group === '' &&
    subresource === '',

  admit({ object, name }, reader) {
    const spec = (object!['spec'] ??= {}) as PodSpec;
    const { priority, preemptionPolicy, className } = resolved(spec, name, reader);
    const refuse = (because: string) => forbidden({ group: '', resource: 'pods' }, name, because);
    if (spec.priority !== undefined && spec.priority !== priority)
      throw refuse(
        `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${priority} from the given PriorityClass name`,
      );
    if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== preemptionPolicy)
      throw refuse(
        `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${preemptionPolicy} from the given PriorityClass name`,
      );
    if (className !== '') spec.priorityClassName = className;
    spec.priority = priority;
    spec.preemptionPolicy = preemptionPolicy;
  },
};

interface Resolved {
  readonly className: string;
  readonly priority: number;
  readonly preemptionPolicy: string;
}

function resolved({ priorityClassName = '' }: PodSpec, pod: string, reader: AdmissionReader): Resolved {
  if (priorityClassName === '') {
    const found = defaultClass(reader);
    return found === undefined ? { className: '', priority: 0, preemptionPolicy: usualPolicy } : of(found);
  }
  const found = reader.get(group, 'priorityclasses', '', priorityClassName) as PriorityClass | undefined;
  if (found !== undefined) return of(found);
  const value = Object.hasOwn(systemClasses, priorityClassName)
    ? systemClasses[priorityClassName]
    : undefined;
  if (value === undefined)
    throw forbidden(
      { group: '', resource: 'pods' },
      pod,
      `no PriorityClass with name ${priorityClassName} was found`,
    );
  return { className: priorityClassName, priority: value, preemptionPolicy: usualPolicy };
}

const usualPolicy = 'PreemptLowerPriority';

function of({ metadata, value = 0, preemptionPolicy = usualPolicy }: PriorityClass): Resolved {
  return { className: metadata.name ?? '', priority: value, preemptionPolicy };
}

/** Of several defaults the lowest counts, so that a mistake harms least. */
function defaultClass(reader: AdmissionReader): PriorityClass | undefined {
  let lowest: PriorityClass | undefined;
  for (const candidate of reader.list(group, 'priorityclasses', '') as readonly PriorityClass[]) {
    if (candidate.globalDefault !== true) continue;
    if (lowest === undefined || (candidate.value ?? 0) < (lowest.value ?? 0)) lowest = candidate;
  }
  return lowest;
}
