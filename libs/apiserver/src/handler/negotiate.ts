import { ApiError } from '#libs/apimachinery';

/** The form that an answer takes. */
export interface OutputForm {
  readonly encoding: 'json' | 'yaml' | 'protobuf';
  readonly as: 'object' | 'table' | 'partial';
  /** Of meta.k8s.io, for tables and partial metadata. */
  readonly metaVersion: 'v1' | 'v1beta1';
  /** Names the form in caches. */
  readonly key: string;
}

const known = new Map<string, OutputForm | undefined>();
const knownMax = 256;

const encodings: Readonly<Record<string, OutputForm['encoding']>> = {
  'application/json': 'json',
  'application/yaml': 'yaml',
  'application/vnd.kubernetes.protobuf': 'protobuf',
  'application/*': 'json',
  '*/*': 'json',
};

function form(
  encoding: OutputForm['encoding'],
  as: OutputForm['as'],
  metaVersion: OutputForm['metaVersion'],
): OutputForm {
  return { encoding, as, metaVersion, key: `${encoding}/${as}/${metaVersion}` };
}

export const jsonForm = form('json', 'object', 'v1');

/** What a client accepts, best first, as given in `Accept`. */
interface MediaRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

/**
 * Chooses the form of an answer. `protobuf` says whether the kind has one, `tables` whether it has table and metadata
 * forms. Throws ApiError 406 when nothing that is accepted can be had.
 */
export function negotiate(
  accept: string | undefined,
  can: { protobuf: boolean; tables: boolean },
): OutputForm {
  if (accept === undefined || accept === '' || accept === 'application/json' || accept === '*/*')
    return jsonForm;
  const key = `${can.protobuf ? 'p' : '-'}${can.tables ? 't' : '-'}${accept}`;
  let found = known.get(key);
  if (found === undefined && !known.has(key)) {
    found = choose(accept, can);
    if (known.size >= knownMax) known.clear();
    known.set(key, found);
  }
  if (found === undefined) throw notAcceptable(can.protobuf);
  return found;
}

function choose(accept: string, can: { protobuf: boolean; tables: boolean }): OutputForm | undefined {
  for (const range of mediaRanges(accept)) {
    const encoding = encodings[range.type];
    if (encoding === undefined || (encoding === 'protobuf' && !can.protobuf)) continue;
    const as = range.parameters.get('as');
    if (as === undefined) return form(encoding, 'object', 'v1');
    const group = range.parameters.get('g');
    const version = range.parameters.get('v') ?? 'v1';
    if (!can.tables || group !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) continue;
    if (as === 'Table' && encoding !== 'protobuf') return form(encoding, 'table', version);
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList')
      return form(encoding, 'partial', version);
  }
  return undefined;
}

export function mediaRanges(accept: string): readonly MediaRange[] {
  const ranges = accept.split(',').map((part): MediaRange => {
    const [type = '', ...rest] = part.split(';');
    const parameters = new Map<string, string>();
    let quality = 1;
    for (const parameter of rest) {
      const equals = parameter.indexOf('=');
      if (equals < 0) continue;
      const name = parameter.slice(0, equals).trim().toLowerCase();
      const value = parameter
        .slice(equals + 1)
        .trim()
        .replace(/^"(.*)"$/, '$1');
      if (name === 'q') quality = Number(value);
      else parameters.set(name, value);
    }
    return { type: type.trim().toLowerCase(), parameters, quality: Number.isFinite(quality) ? quality : 0 };
  });
  return ranges.filter((range) => range.quality > 0).sort((a, b) => b.quality - a.quality);
}

function notAcceptable(protobuf: boolean): ApiError {
  const types = ['application/json', 'application/yaml'];
  if (protobuf) types.push('application/vnd.kubernetes.protobuf');
  return new ApiError(
    406,
    'NotAcceptable',
    `only the following media types are accepted: ${types.join(', ')}`,
  );
}
