import {
  badRequest,
  compileLabelSelector,
  conformObject,
  definitionOfKind,
  fieldErrors,
  invalid,
  schemaOf,
  selectorFromLabels,
  type JsonObject,
  type KubernetesObject,
  type LabelSelectorObject,
} from '#libs/apimachinery';
import { formOf, replyWith, writeRequest, type Exchange } from '../handler/exchange.js';
import { writeOptions, type WriteOptions } from '../handler/options.js';
import { patchFunction } from '../handler/patch.js';
import { readStored } from '../handler/read.js';
import { objectSource } from '../handler/source.js';
import { decodeBody, mediaType } from '../registry/codec.js';
import { servedObject } from '../registry/served.js';
import { updateObject } from '../registry/update.js';
import type { ApiResponse } from '../request.js';

interface Scale extends KubernetesObject {
  spec?: { replicas?: number };
  status?: { replicas: number; selector?: string };
}

const definition = definitionOfKind('autoscaling', 'v1', 'Scale');
const scaleKind = { group: 'autoscaling', version: 'v1', kind: 'Scale', definition, columns: [] };

/** The Scale of a workload: replicas wanted, replicas there, and the selector of its pods as text. */
export function scaleOf(object: KubernetesObject): Scale {
  const {
    name = '',
    namespace = '',
    uid = '',
    resourceVersion = '',
    creationTimestamp = '',
  } = object.metadata;
  const spec = (object['spec'] ?? {}) as { replicas?: number; selector?: unknown };
  const status = (object['status'] ?? {}) as { replicas?: number };
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: spec.replicas === undefined ? {} : { replicas: spec.replicas },
    status: { replicas: status.replicas ?? 0, selector: selectorText(object.kind, spec.selector) },
  };
}

function selectorText(kind: string, selector: unknown): string {
  if (selector === undefined || selector === null) return '';
  if (kind === 'ReplicationController')
    return selectorFromLabels(selector as Record<string, string>).toString();
  return compileLabelSelector(selector as LabelSelectorObject).toString();
}

export async function getScale(exchange: Exchange): Promise<ApiResponse> {
  const form = formOf(exchange);
  const keyValue = await readStored(exchange);
  const object = servedObject(exchange.core.decoded, keyValue, exchange.declaration);
  return replyWith(exchange, form, 200, objectSource(scaleOf(object)), scaleKind);
}

export async function updateScale(exchange: Exchange): Promise<ApiResponse> {
  const { request, info, warnings } = exchange;
  const options = writeOptions(request.query, 'UpdateOptions');
  const scale: Scale = decodeBody(request, scaleKind, options.fieldValidation, warnings);
  const { name } = scale.metadata;
  if (name !== undefined && name !== '' && name !== info.name)
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${info.name})`);
  return writeScale(exchange, options, () => scale);
}

export async function patchScale(exchange: Exchange): Promise<ApiResponse> {
  const { request } = exchange;
  const options = writeOptions(request.query, 'PatchOptions');
  const patch = patchFunction(exchange, mediaType(request), definition);
  return writeScale(exchange, options, (current) => {
    const { fieldValidation } = options;
    const value = patch(scaleOf(current) as unknown as JsonObject);
    const schema = definition === undefined ? undefined : schemaOf(definition);
    const scale: Scale = conformObject(value, { schema, declaration: scaleKind, fieldValidation }).object;
    return scale;
  });
}

async function writeScale(
  exchange: Exchange,
  options: WriteOptions,
  wanted: (current: KubernetesObject) => Scale,
): Promise<ApiResponse> {
  const { core, info } = exchange;
  const form = formOf(exchange);
  const written = await updateObject(core, writeRequest(exchange, options), {
    unconditional: true,
    next: (current) => {
      const scale = wanted(current);
      const replicas = scale.spec?.replicas ?? 0;
      if (replicas < 0)
        throw invalid({ group: 'autoscaling', kind: 'Scale' }, info.name, [
          fieldErrors.invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0'),
        ]);
      return rescaled(current, replicas, scale);
    },
  });
  return replyWith(exchange, form, 200, objectSource(scaleOf(written.object)), scaleKind);
}

/** The workload with another count; uid and resourceVersion of the Scale are preconditions. */
function rescaled(current: KubernetesObject, replicas: number, scale: Scale): KubernetesObject {
  const metadata = { ...current.metadata };
  const { uid, resourceVersion } = scale.metadata;
  if (uid !== undefined && uid !== '') metadata.uid = uid;
  if (resourceVersion === undefined || resourceVersion === '') delete metadata.resourceVersion;
  else metadata.resourceVersion = resourceVersion;
  return { ...current, metadata, spec: { ...(current['spec'] as object), replicas } };
}
