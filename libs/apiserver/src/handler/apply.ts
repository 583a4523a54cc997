import { unsupportedMediaType } from '#libs/apimachinery';
import type { ApiResponse } from '../request.js';
import type { Exchange } from './exchange.js';
import type { WriteOptions } from './options.js';
import type { Restrict } from './write.js';

export function applyHandler(
  _exchange: Exchange,
  _options: WriteOptions,
  _restrict?: Restrict,
): Promise<ApiResponse> {
  throw unsupportedMediaType([]);
}
