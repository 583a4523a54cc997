import { badRequest, conflict, definitionOfKind, type KubernetesObject } from '#libs/apimachinery';
import { decodeBody } from '../registry/codec.js';
import { updateObject } from '../registry/update.js';
import type { ApiResponse } from '../request.js';
import { formOf, writeRequest, type Exchange } from '../handler/exchange.js';
import { writeOptions } from '../handler/options.js';
import { statusReply, successStatus } from '../handler/reply.js';
import { setCondition, type Condition } from './conditions.js';

interface Binding extends KubernetesObject {
  target?: { kind?: string; name?: string };
}

const bindingKind = {
  group: '',
  version: 'v1',
  kind: 'Binding',
  definition: definitionOfKind('', 'v1', 'Binding'),
};

/**
 * Puts a pod on a node, once: 409 when it is on one already, is being deleted or still gated. Sets the PodScheduled
 * condition in the same write.
 */
export async function bindPod(exchange: Exchange): Promise<ApiResponse> {
  const { core, request, info, warnings } = exchange;
  const form = formOf(exchange, false);
  const options = writeOptions(request.query, 'CreateOptions');
  const binding: Binding = decodeBody(request, bindingKind, options.fieldValidation, warnings);
  const node = nodeOf(binding);
  const named = binding.metadata.name;
  const name = info.name === '' ? (named ?? '') : info.name;
  if (name === '' || (named !== undefined && named !== '' && named !== name))
    throw badRequest('the name of the binding must be that of the pod');
  const pods = core.scheme.byResource({ group: '', version: 'v1', resource: 'pods' })!;
  const write = { ...writeRequest(exchange, options), declaration: pods, name, subresource: 'binding' };
  await updateObject(core, write, {
    next: (current) => bound(current, binding, node, write.now),
    internal: true,
    // As in Kubernetes, nobody becomes the owner of what a binding sets.
    managesFields: true,
  });
  return statusReply({ ...successStatus(undefined), code: 201 }, request.wantsObject, form);
}

function nodeOf({ target }: Binding): string {
  if (target?.name === undefined || target.name === '') throw badRequest('target.name: Required value');
  if (target.kind !== undefined && target.kind !== '' && target.kind !== 'Node')
    throw badRequest(
      `target.kind: Unsupported value: ${JSON.stringify(target.kind)}: supported values: "Node", "<empty>"`,
    );
  return target.name;
}

function bound(pod: KubernetesObject, binding: Binding, node: string, now: string): KubernetesObject {
  const spec = (pod['spec'] ?? {}) as { nodeName?: string; schedulingGates?: readonly unknown[] };
  const name = pod.metadata.name ?? '';
  const refuse = (because: string) => conflict({ group: '', resource: 'pods/binding' }, name, because);
  if (pod.metadata.deletionTimestamp !== undefined)
    throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
  if ((spec.nodeName ?? '') !== '')
    throw refuse(`pod ${name} is already assigned to node ${JSON.stringify(spec.nodeName)}`);
  if ((spec.schedulingGates ?? []).length > 0)
    throw refuse(`pod ${name} has non-empty .spec.schedulingGates`);
  const { annotations, labels, uid, resourceVersion } = binding.metadata;
  const status = (pod['status'] ?? {}) as { conditions?: readonly Condition[] };
  const metadata = { ...pod.metadata };
  if (annotations !== undefined) metadata.annotations = { ...metadata.annotations, ...annotations };
  if (labels !== undefined) metadata.labels = { ...metadata.labels, ...labels };
  if (uid !== undefined && uid !== '') metadata.uid = uid;
  if (resourceVersion !== undefined && resourceVersion !== '') metadata.resourceVersion = resourceVersion;
  else delete metadata.resourceVersion;
  return {
    ...pod,
    metadata,
    spec: { ...spec, nodeName: node },
    status: {
      ...status,
      conditions: setCondition(status.conditions, { type: 'PodScheduled', status: 'True' }, now),
    },
  };
}
