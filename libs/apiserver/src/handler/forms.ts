import {
  encodeProtobuf,
  encodeProtobufList,
  encodeProtobufMessage,
  encodeWatchFrame,
  toTable,
  type KubernetesObject,
  type ResourceDeclaration,
} from '#libs/apimachinery';
import { stringify as yamlStringify } from 'yaml';
import type { ListMetadata } from './list-body.js';
import type { OutputForm } from './negotiate.js';
import type { Source } from './source.js';

export interface TableOptions {
  readonly includeObject: 'None' | 'Metadata' | 'Object';
  readonly nowSeconds: () => number;
}

const contentTypes: Readonly<Record<OutputForm['encoding'], string>> = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: 'application/vnd.kubernetes.protobuf',
};

export function contentType(form: OutputForm): string {
  return contentTypes[form.encoding];
}

export function watchContentType(form: OutputForm): string {
  return form.encoding === 'protobuf'
    ? 'application/vnd.kubernetes.protobuf;stream=watch'
    : 'application/json';
}

/** What an encoder must know of a kind. */
export type EncodableKind = Pick<
  ResourceDeclaration,
  'group' | 'version' | 'kind' | 'definition' | 'columns'
>;

/** One object in the form that was negotiated. */
export function encodeSource(
  form: OutputForm,
  source: Source,
  declaration: EncodableKind,
  tables: TableOptions,
): Uint8Array {
  if (form.as === 'object' && form.encoding === 'json' && source.bytes !== undefined) return source.bytes;
  return encodeAny(form, shaped(form, source, declaration, tables));
}

function shaped(form: OutputForm, source: Source, declaration: EncodableKind, tables: TableOptions): object {
  if (form.as === 'object') return source.object();
  if (form.as === 'table') {
    const { includeObject, nowSeconds } = tables;
    return toTable(declaration, [source.object()], {
      includeObject,
      nowSeconds: nowSeconds(),
      version: form.metaVersion,
    });
  }
  return partialOf(source.object(), form.metaVersion);
}

export function partialOf(object: KubernetesObject, metaVersion: string): KubernetesObject {
  return {
    kind: 'PartialObjectMetadata',
    apiVersion: `meta.k8s.io/${metaVersion}`,
    metadata: object.metadata,
  };
}

/** Encodes what is its own form already. */
export function encodeAny(form: OutputForm, object: object): Uint8Array {
  switch (form.encoding) {
    case 'json':
      return Buffer.from(JSON.stringify(object));
    case 'yaml':
      return Buffer.from(yamlStringify(object));
    case 'protobuf':
      return encodeProtobuf(object);
  }
}

const frameTail = Buffer.from('}\n');

/** A watch frame: `{"type":…,"object":…}` and a newline, or length-prefixed protobuf. */
export function wrapFrame(form: OutputForm, type: string, object: Uint8Array): Uint8Array {
  if (form.encoding === 'protobuf') return encodeWatchFrame(type, object);
  const head = `{"type":"${type}","object":`;
  const frame = Buffer.allocUnsafe(head.length + object.length + frameTail.length);
  frame.write(head, 0, 'latin1');
  frame.set(object, head.length);
  frame.set(frameTail, head.length + object.length);
  return frame;
}

/** A list in any form but plain JSON, which needs no decoding at all. */
export function encodeListForm(
  form: OutputForm,
  objects: readonly KubernetesObject[],
  metadata: ListMetadata,
  declaration: ResourceDeclaration,
  tables: TableOptions,
): Uint8Array {
  if (form.as === 'table') {
    const { includeObject, nowSeconds } = tables;
    const options = {
      includeObject,
      nowSeconds: nowSeconds(),
      listMetadata: metadata,
      version: form.metaVersion,
    };
    return encodeAny(form, toTable(declaration, objects, options));
  }
  const partial = form.as === 'partial';
  const { group, version, listKind } = declaration;
  const list = {
    kind: partial ? 'PartialObjectMetadataList' : listKind,
    apiVersion: partial ? `meta.k8s.io/${form.metaVersion}` : group === '' ? version : `${group}/${version}`,
    metadata,
  };
  const items = partial ? objects.map((object) => partialOf(object, form.metaVersion)) : objects;
  if (form.encoding === 'protobuf')
    return encodeProtobufList(
      list,
      items.map((item) => encodeProtobufMessage(item)),
    );
  return encodeAny(form, { ...list, items });
}
