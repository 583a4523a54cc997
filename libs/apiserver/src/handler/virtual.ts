import { methodNotAllowed, pathNotFound } from '#libs/apimachinery';
import { timestamp } from '../clock.js';
import { decodeBody } from '../registry/codec.js';
import type { ApiResponse } from '../request.js';
import { bindPod } from '../subresources/pod-binding.js';
import { formOf, replyWith, type Exchange } from './exchange.js';
import { writeOptions } from './options.js';
import { objectSource } from './source.js';

/** Kinds that are computed instead of stored: reviews, component statuses. They know creates only. */
export async function virtualHandler(exchange: Exchange): Promise<ApiResponse> {
  const { core, info, declaration, request, warnings } = exchange;
  if (declaration.group === '' && declaration.resource === 'bindings' && info.verb === 'create')
    return bindPod(exchange);
  const create = core.virtual.get(`${declaration.group}/${declaration.resource}`);
  if (create === undefined) throw pathNotFound();
  if (info.verb !== 'create') throw methodNotAllowed();
  // Neither tables nor partial metadata make sense of them: 406, as Kubernetes answers.
  const form = formOf(exchange, false);
  const options = writeOptions(request.query, 'CreateOptions');
  const object = decodeBody(request, declaration, options.fieldValidation, warnings);
  declaration.setDefaults(object);
  const answer = await create(object, {
    request,
    info,
    declaration,
    parent: undefined,
    now: timestamp(core.clock.nowMs()),
    dryRun: options.dryRun,
  });
  return replyWith(exchange, form, 201, objectSource(answer));
}
