import {
  ApiError,
  badRequest,
  compileLabelSelector,
  conflict,
  definitionOfKind,
  disruptionBudgetRefuses,
  forbidden,
  internalError,
  tooManyRequests,
  type KubernetesObject,
  type LabelSelectorObject,
} from '#libs/apimachinery';
import type { Exchange } from '../handler/exchange.js';
import { formOf, writeRequest } from '../handler/exchange.js';
import { writeOptions } from '../handler/options.js';
import { readStored } from '../handler/read.js';
import { statusReply, successStatus } from '../handler/reply.js';
import { decodeBody } from '../registry/codec.js';
import { deleteObject } from '../registry/delete.js';
import { deleteOptions, type DeleteOptions } from '../registry/delete-options.js';
import { listLocal } from '../registry/list.js';
import { servedObject } from '../registry/served.js';
import { updateObject } from '../registry/update.js';
import type { WriteRequest } from '../registry/write-request.js';
import type { ApiResponse } from '../request.js';
import { setCondition, type Condition } from './conditions.js';

interface Budget extends KubernetesObject {
  spec?: { selector?: LabelSelectorObject; unhealthyPodEvictionPolicy?: string };
  status?: BudgetStatus;
}

interface BudgetStatus {
  readonly observedGeneration?: number;
  readonly disruptionsAllowed?: number;
  readonly currentHealthy?: number;
  readonly desiredHealthy?: number;
  readonly disruptedPods?: Readonly<Record<string, string>>;
}

const evictionKind = {
  group: 'policy',
  version: 'v1',
  kind: 'Eviction',
  definition: definitionOfKind('policy', 'v1', 'Eviction'),
};
const disruptedPodsMax = 2000;

/**
 * Deletes a pod if its disruption budget allows: the budget is charged first, in a write that fails when somebody else
 * charges it at the same time. Answers 429 with cause DisruptionBudget while it does not allow.
 */
export async function evictPod(exchange: Exchange): Promise<ApiResponse> {
  const { core, request, info, declaration, warnings } = exchange;
  const form = formOf(exchange, false);
  const query = writeOptions(request.query, 'CreateOptions');
  const eviction = decodeBody(request, evictionKind, query.fieldValidation, warnings);
  const { name } = eviction.metadata;
  if (name !== undefined && name !== '' && name !== info.name)
    throw badRequest('name in URL does not match name in Eviction object');
  const options = deleteOptions(eviction['deleteOptions'], new URLSearchParams());
  const dryRun = query.dryRun || options.dryRun;
  const write = { ...writeRequest(exchange, { ...query, dryRun }), subresource: '' };
  const pod = servedObject(core.decoded, await readStored(exchange), declaration);
  checkPreconditions(pod, options);
  if (!isPastBudgets(pod)) await charge(exchange, write, pod);
  if (!isPastBudgets(pod) && !dryRun) await announce(exchange, write, pod);
  await deleteObject(core, write, {
    ...options,
    uid: options.uid ?? pod.metadata.uid,
    resourceVersion: undefined,
  });
  return statusReply({ ...successStatus(undefined), code: 201 }, request.wantsObject, form);
}

function checkPreconditions({ metadata }: KubernetesObject, options: DeleteOptions): void {
  const { name = '' } = metadata;
  if (options.uid !== undefined && options.uid !== metadata.uid)
    throw conflict(
      { group: '', resource: 'pods' },
      name,
      `Precondition failed: UID in precondition: ${options.uid}, UID in object meta: ${metadata.uid ?? ''}`,
    );
  if (options.resourceVersion !== undefined && options.resourceVersion !== metadata.resourceVersion)
    throw conflict({ group: '', resource: 'pods' }, name);
}

/** Pods that are gone, going or not yet running disturb nobody. */
function isPastBudgets(pod: KubernetesObject): boolean {
  const { phase } = (pod['status'] ?? {}) as { phase?: string };
  return (
    phase === 'Succeeded' ||
    phase === 'Failed' ||
    phase === 'Pending' ||
    pod.metadata.deletionTimestamp !== undefined
  );
}

function isReady(pod: KubernetesObject): boolean {
  const { conditions } = (pod['status'] ?? {}) as { conditions?: readonly Condition[] };
  return conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

async function charge(exchange: Exchange, write: WriteRequest, pod: KubernetesObject): Promise<void> {
  const { core } = exchange;
  const declaration = core.scheme.byResource({
    group: 'policy',
    version: 'v1',
    resource: 'poddisruptionbudgets',
  })!;
  const { namespace = '', labels } = pod.metadata;
  const budgets = listLocal(core, declaration, namespace).filter((budget) =>
    compileLabelSelector((budget as Budget).spec?.selector).matches(labels),
  );
  const [budget] = budgets as Budget[];
  if (budget === undefined) return;
  if (budgets.length > 1)
    throw internalError(
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  if (!isReady(pod) && mayEvictUnready(budget)) return;
  await updateObject(
    core,
    { ...write, declaration, name: budget.metadata.name ?? '', subresource: 'status' },
    { unconditional: true, internal: true, next: (current) => charged(current, pod, write.now) },
  );
}

function mayEvictUnready({ spec, status }: Budget): boolean {
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const desired = status?.desiredHealthy ?? 0;
  return desired > 0 && (status?.currentHealthy ?? 0) >= desired;
}

/** The budget with one disruption less, or the refusal. */
function charged(current: Budget, pod: KubernetesObject, now: string): KubernetesObject {
  const { metadata, status = {} } = current;
  const name = metadata.name ?? '';
  const { disruptionsAllowed = 0, disruptedPods = {}, observedGeneration = 0 } = status;
  if (observedGeneration < (metadata.generation ?? 0)) {
    const refusal = tooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 10);
    throw new ApiError(refusal.code, refusal.reason, refusal.message, {
      ...refusal.details,
      causes: [
        {
          reason: 'DisruptionBudget',
          message: `The disruption budget ${name} is still being processed by the server.`,
        },
      ],
    });
  }
  const resource = { group: 'policy', resource: 'poddisruptionbudgets' };
  if (disruptionsAllowed < 0) throw forbidden(resource, name, 'pdb disruptions allowed is negative');
  if (Object.keys(disruptedPods).length > disruptedPodsMax)
    throw forbidden(
      resource,
      name,
      'DisruptedPods map too big - too many evictions not confirmed by PDB controller',
    );
  if (disruptionsAllowed === 0)
    throw disruptionBudgetRefuses(name, status.currentHealthy ?? 0, status.desiredHealthy ?? 0);
  return {
    ...current,
    metadata: { ...metadata },
    status: {
      ...status,
      disruptionsAllowed: disruptionsAllowed - 1,
      disruptedPods: { ...disruptedPods, [pod.metadata.name ?? '']: now },
    },
  };
}

/** Says in the pod's status why it goes, for its controller to read. */
async function announce(exchange: Exchange, write: WriteRequest, pod: KubernetesObject): Promise<void> {
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
  };
  await updateObject(
    exchange.core,
    { ...write, subresource: 'status' },
    {
      unconditional: true,
      internal: true,
      next: (current) => {
        const status = (current['status'] ?? {}) as { conditions?: readonly Condition[] };
        const conditions = setCondition(status.conditions, condition, write.now);
        const metadata = {
          ...current.metadata,
          ...(pod.metadata.uid === undefined ? {} : { uid: pod.metadata.uid }),
        };
        return { ...current, metadata, status: { ...status, conditions } };
      },
    },
  );
}
