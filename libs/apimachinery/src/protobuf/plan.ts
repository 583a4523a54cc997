import { isOmittedWhenZero } from '../structure/omit-zero.js';
import {
  definitionNames,
  protobufFields,
  schemaOf,
  type ProtobufField,
  type Schema,
} from '../structure/schema.js';

export type ScalarKind = 'string' | 'bool' | 'int32' | 'int64' | 'double' | 'bytes';

/** Messages that have a JSON form of their own. */
export type SpecialKind =
  | 'quantity'
  | 'time'
  | 'microTime'
  | 'intOrString'
  | 'rawJson'
  | 'stringList'
  | 'propsOrBool'
  | 'propsOrArray'
  | 'propsOrStringArray';

export interface FieldPlan {
  readonly number: number;
  readonly name: string;
  readonly scalar: ScalarKind | undefined;
  readonly special: SpecialKind | undefined;
  /** Set for messages, ordinary or special. Looked up when first needed: messages nest in themselves. */
  readonly message: (() => MessagePlan) | undefined;
  readonly repeated: boolean;
  readonly map: boolean;
  /** The message's fields stand among those of its parent in JSON. */
  readonly inline: boolean;
  /** The zero value is left out of the JSON. */
  readonly omitZero: boolean;
}

export interface MessagePlan {
  readonly name: string;
  /** By field number. */
  readonly fields: readonly FieldPlan[];
  readonly byNumber: ReadonlyMap<number, FieldPlan>;
}

/** Messages that are inlined wherever they occur and so have no definition of their own. */
const inlinedOnly: Readonly<Record<string, Readonly<Record<string, ProtobufField>>>> = {
  'k8s.io.api.admissionregistration.v1.Rule': {
    apiGroups: { n: 1, type: 'string', repeated: true },
    apiVersions: { n: 2, type: 'string', repeated: true },
    resources: { n: 3, type: 'string', repeated: true },
    scope: { n: 4, type: 'string' },
  },
  ...Object.fromEntries(
    ['v1', 'v1beta1', 'v1beta2'].map((version) => [
      `k8s.io.api.resource.${version}.DeviceConfiguration`,
      { opaque: { n: 1, type: `k8s.io.api.resource.${version}.OpaqueDeviceConfiguration` } },
    ]),
  ),
};

const specials: readonly (readonly [RegExp, SpecialKind])[] = [
  [/\.api\.resource\.Quantity$/, 'quantity'],
  [/\.meta\.v1\.Time$/, 'time'],
  [/\.meta\.v1\.MicroTime$/, 'microTime'],
  [/\.intstr\.IntOrString$/, 'intOrString'],
  [/\.(RawExtension|FieldsV1|apiextensions\.v1\.JSON)$/, 'rawJson'],
  [/\.(ExtraValue|Verbs)$/, 'stringList'],
  [/\.JSONSchemaPropsOrBool$/, 'propsOrBool'],
  [/\.JSONSchemaPropsOrArray$/, 'propsOrArray'],
  [/\.JSONSchemaPropsOrStringArray$/, 'propsOrStringArray'],
];

/** Protobuf spells packages with underscores: k8s.io.apiextensions_apiserver is io.k8s.apiextensions-apiserver. */
function definitionOf(message: string): string {
  return `io.k8s.${message.slice('k8s.io.'.length)}`
    .replace('_apiserver', '-apiserver')
    .replace('_aggregator', '-aggregator');
}

const plans = new Map<string, MessagePlan>();
let names: ReadonlySet<string> | undefined;

/** The plan of a message by its name in protobuf; undefined where the structure data has none. */
export function planOfMessage(message: string): MessagePlan | undefined {
  const known = plans.get(message);
  if (known !== undefined) return known;
  names ??= new Set(definitionNames());
  const definition = names.has(definitionOf(message)) ? definitionOf(message) : undefined;
  const fields = inlinedOnly[message] ?? protobufFields(message) ?? protobufFields(definition ?? message);
  if (fields === undefined) return undefined;
  return remember(message, fields, definition, definition === undefined ? undefined : schemaOf(definition));
}

/** The plan of a definition, e.g. `io.k8s.api.core.v1.Pod`. */
export function planOfDefinition(definition: string): MessagePlan | undefined {
  const message = `k8s.io.${definition.slice('io.k8s.'.length)}`
    .replace('-apiserver', '_apiserver')
    .replace('-aggregator', '_aggregator');
  return planOfMessage(message);
}

function remember(
  name: string,
  fields: Readonly<Record<string, ProtobufField>>,
  definition: string | undefined,
  schema: Schema | undefined,
): MessagePlan {
  const list = Object.entries(fields)
    .map(([field, row]) => planField(name, field, row, definition, schema))
    .sort((a, b) => a.number - b.number);
  const plan: MessagePlan = {
    name,
    fields: list,
    byNumber: new Map(list.map((field) => [field.number, field])),
  };
  plans.set(name, plan);
  return plan;
}

function planField(
  parent: string,
  name: string,
  row: ProtobufField,
  definition: string | undefined,
  schema: Schema | undefined,
): FieldPlan {
  const map = row.type.startsWith('map<');
  const type = map ? row.type.slice(row.type.indexOf(',') + 1, -1) : row.type;
  const scalar = type.startsWith('k8s.io') ? undefined : (type as ScalarKind);
  const property = schema?.properties?.get(name);
  return {
    number: row.n,
    name,
    scalar,
    special: scalar === undefined ? specials.find(([pattern]) => pattern.test(type))?.[1] : undefined,
    message:
      scalar === undefined ? () => nested(parent, type, row.inline === true, definition, schema) : undefined,
    repeated: row.repeated === true,
    map,
    inline: row.inline === true,
    omitZero: property !== undefined && isOmittedWhenZero(definition, name, property),
  };
}

function nested(
  parent: string,
  type: string,
  inline: boolean,
  definition: string | undefined,
  schema: Schema | undefined,
): MessagePlan {
  // What is inlined has its JSON fields declared by the parent: plan it under the parent's name.
  const name = inline ? `${type} in ${parent}` : type;
  const known = plans.get(name) ?? (inline ? undefined : planOfMessage(type));
  if (known !== undefined) return known;
  const fields = inlinedOnly[type] ?? protobufFields(type) ?? protobufFields(definitionOf(type));
  if (fields === undefined)
    throw new Error(`the structure data has no message ${type}, which ${parent} uses`);
  return remember(name, fields, definition, schema);
}
