import type { ResourceDeclaration } from '#libs/apimachinery';
import type { Core } from '../registry/core.js';
import type { WriteRequest, Written } from '../registry/write-request.js';
import type { ApiRequest, ApiResponse } from '../request.js';
import { timestamp } from '../clock.js';
import { encodeSource, type EncodableKind, type TableOptions } from './forms.js';
import { jsonForm, negotiate, type OutputForm } from './negotiate.js';
import { defaultFieldManager, type WriteOptions } from './options.js';
import { bytesReply, objectReply } from './reply.js';
import type { RequestInfo } from './request-info.js';
import { objectSource, storedSource, type Source } from './source.js';
import { badRequest } from '#libs/apimachinery';

/** One request that has been authorized and whose resource is known. */
export interface Exchange {
  readonly core: Core;
  readonly request: ApiRequest;
  readonly info: RequestInfo;
  readonly declaration: ResourceDeclaration;
  readonly warnings: string[];
}

/** The form of the answer. In-process callers take objects, whatever they accept. */
export function formOf({ request, declaration }: Exchange, tables = true): OutputForm {
  if (request.wantsObject) return jsonForm;
  return negotiate(request.headers['accept'], { protobuf: declaration.definition !== undefined, tables });
}

export function tableOptions({ core, request }: Exchange): TableOptions {
  const includeObject = request.query.get('includeObject') ?? 'Metadata';
  if (includeObject !== 'None' && includeObject !== 'Metadata' && includeObject !== 'Object')
    throw badRequest(`includeObject must be None, Metadata or Object, not ${JSON.stringify(includeObject)}`);
  return {
    includeObject,
    // Asked for each table: a watch lasts, and ages are counted from when a row is sent.
    nowSeconds: () => Math.floor(core.clock.nowMs() / 1000),
  };
}

/** Answers with one object in the form that was asked for. */
export function replyWith(
  exchange: Exchange,
  form: OutputForm,
  status: number,
  source: Source,
  kind: EncodableKind = exchange.declaration,
): ApiResponse {
  if (exchange.request.wantsObject) return objectReply(status, source.object());
  const bytes = encodeSource(form, source, kind, tableOptions(exchange));
  return bytesReply(status, form, [bytes], exchange.warnings);
}

export function replyWritten(exchange: Exchange, form: OutputForm, written: Written): ApiResponse {
  const { core, declaration } = exchange;
  const source =
    written.keyValue === undefined
      ? objectSource(written.object)
      : storedSource(core.decoded, written.keyValue, declaration);
  return replyWith(exchange, form, written.created ? 201 : 200, source);
}

export function writeRequest(
  exchange: Exchange,
  options: Pick<WriteOptions, 'dryRun' | 'fieldManager'>,
): WriteRequest {
  const { core, request, info, declaration, warnings } = exchange;
  const nowMs = core.clock.nowMs();
  return {
    declaration,
    namespace: declaration.namespaced ? info.namespace : '',
    name: info.name,
    subresource: info.subresource,
    user: request.user,
    fence: request.fence,
    dryRun: options.dryRun,
    fieldManager: options.fieldManager ?? defaultFieldManager(request.headers['user-agent']),
    now: timestamp(nowMs),
    nowMs,
    warnings,
  };
}
