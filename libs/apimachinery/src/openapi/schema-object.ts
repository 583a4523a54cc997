import { schemaOf, type Schema } from '../structure/schema.js';

/** OpenAPI v3 and v2 differ in where definitions live and in what may stand beside a reference. */
export type OpenApiForm = 'v3' | 'v2';

export interface SchemaWriter {
  readonly form: OpenApiForm;
  /** Told of every definition that is referred to. */
  readonly refer: (definition: string) => void;
}

const refPrefix: Readonly<Record<OpenApiForm, string>> = {
  v3: '#/components/schemas/',
  v2: '#/definitions/',
};

export function reference(writer: SchemaWriter, definition: string): object {
  writer.refer(definition);
  return { $ref: refPrefix[writer.form] + definition };
}

/** A place where a schema is used: a reference where it has a name, written out otherwise. */
export function schemaUse(schema: Schema, writer: SchemaWriter): object {
  const { definition } = schema;
  if (definition === undefined) return schemaBody(schema, writer);
  const target = schemaOf(definition);
  const hints = target === schema ? {} : hintsBeside(schema, target);
  const ref = reference(writer, definition);
  if (Object.keys(hints).length === 0) return ref;
  return writer.form === 'v2' ? { ...ref, ...hints } : { allOf: [ref], ...hints };
}

/** What a use says beyond what the definition says itself. */
function hintsBeside(use: Schema, target: Schema): object {
  const own = extensions(use) as Record<string, unknown>;
  const theirs = extensions(target) as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(own).filter(([key, value]) => JSON.stringify(theirs[key]) !== JSON.stringify(value)),
  );
}

/** The schema itself, as it stands among the definitions. */
export function schemaBody(schema: Schema, writer: SchemaWriter): object {
  const { format, required, properties, items, additionalProperties } = schema;
  if (format === 'int-or-string' && writer.form === 'v3') {
    return { format, oneOf: [{ type: 'integer' }, { type: 'string' }] };
  }
  if (format === 'quantity' && writer.form === 'v3')
    return { oneOf: [{ type: 'string' }, { type: 'number' }] };
  return {
    ...(schema.type === undefined ? {} : { type: schema.type }),
    ...(format === undefined || format === 'quantity' ? {} : { format }),
    ...(required.length === 0 ? {} : { required }),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            [...properties].map(([name, property]) => [name, schemaUse(property, writer)]),
          ),
        }),
    ...(items === undefined ? {} : { items: schemaUse(items, writer) }),
    ...(additionalProperties === undefined
      ? {}
      : { additionalProperties: schemaUse(additionalProperties, writer) }),
    ...extensions(schema),
  };
}

function extensions(schema: Schema): object {
  const { listType, listMapKeys, mapType, patchStrategy, patchMergeKey } = schema;
  return {
    ...(listMapKeys.length === 0 ? {} : { 'x-kubernetes-list-map-keys': listMapKeys }),
    ...(listType === undefined ? {} : { 'x-kubernetes-list-type': listType }),
    ...(mapType === undefined ? {} : { 'x-kubernetes-map-type': mapType }),
    ...(patchMergeKey === undefined ? {} : { 'x-kubernetes-patch-merge-key': patchMergeKey }),
    ...(patchStrategy.length === 0 ? {} : { 'x-kubernetes-patch-strategy': patchStrategy.join(',') }),
  };
}
