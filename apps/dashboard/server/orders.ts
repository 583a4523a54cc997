import { ApiError, badRequest } from '#libs/apimachinery';
import type { ApiRequest } from '#libs/apiserver';
import { z } from 'zod';
import { type FaultOrder, faultKinds, type ProbeOrder } from '../protocol.js';

const bodyBytesMax = 4_096;

const id = z.string().regex(/^[0-9a-f-]{1,36}$/);
const faultOrder = z.strictObject({
  id,
  fault: z.enum(faultKinds),
  master: z.string().min(1).max(253).optional(),
});
const probeOrder = z.strictObject({
  writer: id,
  number: z.number().int().min(0),
});

/**
 * Refuses what another site may have made a browser send: a browser asks first before it sends a header of its own or JSON to
 * another origin, and is not answered here. Throws ApiError 403, 415.
 */
export function checkSameOrigin({ headers }: ApiRequest): void {
  const refuse = (why: string): never => {
    throw new ApiError(403, 'Forbidden', `not from the dashboard's own page: ${why}`);
  };
  if (headers['x-trireme-dashboard'] === undefined) refuse('the header x-trireme-dashboard is missing');
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') refuse(`the request comes from a ${site} page`);
  const { origin } = headers;
  const host = headers['host'] ?? headers[':authority'];
  if (origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== host))
    refuse('its origin is another one');
  if (headers['content-type']?.split(';')[0]?.trim() !== 'application/json')
    throw new ApiError(415, 'UnsupportedMediaType', 'the body must be application/json');
}

export function parseFaultOrder(request: ApiRequest): FaultOrder {
  const order = parse(request, faultOrder);
  const needsMaster = order.fault !== 'heal' && order.fault !== 'transfer';
  if (needsMaster && order.master === undefined) throw badRequest(`${order.fault} needs a master`);
  const { master, ...rest } = order;
  return master === undefined ? rest : { ...rest, master };
}

export function parseProbeOrder(request: ApiRequest): ProbeOrder {
  return parse(request, probeOrder);
}

function parse<T>({ body }: ApiRequest, schema: z.ZodType<T>): T {
  let value: unknown;
  if (body !== undefined && 'object' in body) value = body.object;
  else {
    const bytes = body?.bytes ?? new Uint8Array();
    if (bytes.length > bodyBytesMax) throw badRequest(`the body is longer than ${bodyBytesMax} bytes`);
    try {
      value = JSON.parse(new TextDecoder().decode(bytes));
    } catch (error) {
      throw badRequest(`the body is not JSON: ${(error as Error).message}`);
    }
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw badRequest(
    parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the body'}: ${message}`).join('; '),
  );
}
