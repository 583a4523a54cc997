import { formatTime } from '../decode/time.js';
import type { Json, JsonObject } from '../types.js';
import type { SpecialKind } from './plan.js';
import { malformed, type Reader } from './wire.js';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The JSON of a message that has a form of its own, from its fields. Undefined where JSON leaves it out. */
export function specialValue(kind: SpecialKind, raw: JsonObject): Json | undefined {
  switch (kind) {
    case 'quantity':
      return (raw['string'] as string | undefined) ?? '0';
    case 'time':
    case 'microTime':
      return readTime(raw, kind === 'microTime');
    case 'intOrString':
      return raw['type'] === 1 ? ((raw['strVal'] as string | undefined) ?? '') : (raw['intVal'] ?? 0);
    case 'stringList':
      return raw['items'] ?? [];
    case 'propsOrBool':
      return raw['schema'] ?? raw['allows'] ?? false;
    case 'propsOrArray':
      return raw['schema'] ?? raw['jSONSchemas'] ?? [];
    default:
      return raw['schema'] ?? raw['property'] ?? [];
  }
}

/** Go's zero time has no JSON; it is what an empty message means. */
function readTime(raw: JsonObject, micro: boolean): string | undefined {
  const seconds = (raw['seconds'] as number | undefined) ?? 0;
  const nanos = (raw['nanos'] as number | undefined) ?? 0;
  if (seconds === 0 && nanos === 0) return undefined;
  if (Math.abs(seconds) > 253_402_300_799 || nanos < 0 || nanos > 999_999_999) {
    throw malformed('a time is beyond the year 9999');
  }
  const text = formatTime(seconds);
  return micro ? text.replace('Z', `.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z`) : text;
}

/** JSON text within a message: RawExtension, FieldsV1, apiextensions' JSON. */
export function readRawJson(reader: Reader): Json | undefined {
  let bytes: Uint8Array | undefined;
  while (!reader.done) {
    const { field, type } = reader.tag();
    if (field === 1 && type === 2) bytes = reader.part().rest();
    else reader.skip(type);
  }
  if (bytes === undefined || bytes.length === 0) return undefined;
  try {
    return JSON.parse(decoder.decode(bytes), refusePrototype) as Json;
  } catch {
    throw malformed('embedded JSON cannot be read');
  }
}

function refusePrototype(key: string, value: unknown): unknown {
  if (key === '__proto__') throw malformed('the key "__proto__" is not allowed');
  return value;
}
