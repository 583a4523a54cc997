import type { KubernetesObject } from '#libs/apimachinery';
import { uncoveredRules } from '../escalation.js';
import type { PolicyRule, Subject } from '../policy-rule.js';
import { bootstrapObjects } from './bootstrap-objects.js';
import { autoUpdateAnnotation } from './bootstrap-policy.js';

/** How `ensureBootstrapObjects` reaches the store: through the API as system:masters, or below it. */
export interface BootstrapTarget {
  /** The stored object of the same kind, namespace and name; undefined when there is none. */
  get(object: KubernetesObject): Promise<KubernetesObject | undefined>;
  /** Resolves, too, when somebody else (another master) has just created it. */
  create(object: KubernetesObject): Promise<void>;
  /** `object` carries the resourceVersion that was read; rejects when it is no longer that. */
  update(object: KubernetesObject): Promise<void>;
}

const rules = (object: KubernetesObject): readonly PolicyRule[] =>
  (object['rules'] as readonly PolicyRule[] | null | undefined) ?? [];
const subjects = (object: KubernetesObject): readonly Subject[] =>
  (object['subjects'] as readonly Subject[] | null | undefined) ?? [];

const isSame = (one: Subject, other: Subject): boolean =>
  one.kind === other.kind && one.name === other.name && (one.namespace ?? '') === (other.namespace ?? '');

/**
 * The stored object with what it lacks of the wanted one; undefined when it lacks nothing. Only adds: rules and subjects
 * of an administrator stay. One with the annotation autoupdate=false, or of no policy kind, is left alone.
 */
export function reconciled(stored: KubernetesObject, wanted: KubernetesObject): KubernetesObject | undefined {
  const wantsUpdate = wanted.metadata.annotations?.[autoUpdateAnnotation] === 'true';
  if (!wantsUpdate || stored.metadata.annotations?.[autoUpdateAnnotation] === 'false') return undefined;
  const changes: Partial<KubernetesObject> = {};
  if (wanted.kind.endsWith('Role')) {
    const missing = uncoveredRules(rules(stored), rules(wanted));
    if (missing.length > 0) changes['rules'] = [...rules(stored), ...missing];
  } else {
    const missing = subjects(wanted).filter((one) => !subjects(stored).some((other) => isSame(one, other)));
    if (missing.length > 0) changes['subjects'] = [...subjects(stored), ...missing];
  }
  const labels = { ...wanted.metadata.labels, ...stored.metadata.labels };
  const lacksLabels = Object.keys(labels).length > Object.keys(stored.metadata.labels ?? {}).length;
  if (Object.keys(changes).length === 0 && !lacksLabels) return undefined;
  return { ...stored, ...changes, metadata: { ...stored.metadata, labels } };
}

/**
 * Creates what is missing of `bootstrapObjects()` and adds what default roles and bindings lack (an upgrade brings new
 * rules). To be run on winning leadership, before readiness. Resolves to the number of writes. `concurrency` creates
 * travel at once, so that consensus can group them.
 */
export async function ensureBootstrapObjects(target: BootstrapTarget, concurrency = 64): Promise<number> {
  let writes = 0;
  const ensure = async (object: KubernetesObject): Promise<void> => {
    const stored = await target.get(object);
    if (stored === undefined) {
      await target.create(object);
      writes++;
      return;
    }
    const next = reconciled(stored, object);
    if (next === undefined) return;
    await target.update(next);
    writes++;
  };
  const objects = bootstrapObjects();
  // Namespaces before what lives in them.
  const isNamespace = (object: KubernetesObject): boolean => object.kind === 'Namespace';
  for (const phase of [objects.filter(isNamespace), objects.filter((object) => !isNamespace(object))]) {
    for (let start = 0; start < phase.length; start += concurrency) {
      await Promise.all(phase.slice(start, start + concurrency).map(ensure));
    }
  }
  return writes;
}
