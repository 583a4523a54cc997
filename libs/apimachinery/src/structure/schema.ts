import { kubernetesStructureJson } from './kubernetes-1-36.js';

/**
 * One node of a structural schema. References are resolved, lazily: recursive kinds are finite here
 * because `properties`, `items` and `additionalProperties` are looked up when they are read.
 */
export interface Schema {
  readonly type: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | undefined;
  /** int32, int64, double, byte, date-time, int-or-string, quantity (our own word for a resource.Quantity). */
  readonly format: string | undefined;
  /** Name of the definition this node came from, undefined for inline nodes. */
  readonly definition: string | undefined;
  readonly properties: ReadonlyMap<string, Schema> | undefined;
  readonly required: readonly string[];
  readonly items: Schema | undefined;
  readonly additionalProperties: Schema | undefined;
  readonly listType: 'atomic' | 'set' | 'map' | undefined;
  readonly listMapKeys: readonly string[];
  readonly mapType: 'granular' | 'atomic' | undefined;
  readonly patchStrategy: readonly ('merge' | 'replace' | 'retainKeys')[];
  readonly patchMergeKey: string | undefined;
  /** Any JSON is welcome below this node: RawExtension, JSON, JSONSchemaProps' free parts, preserve-unknown-fields. */
  readonly preserveUnknownFields: boolean;
}

interface RawNode {
  type?: Schema['type'];
  format?: string;
  ref?: string;
  properties?: Record<string, RawNode>;
  required?: string[];
  items?: RawNode;
  additionalProperties?: RawNode | boolean;
  listType?: Schema['listType'];
  listMapKeys?: string[];
  mapType?: Schema['mapType'];
  patchStrategy?: string;
  patchMergeKey?: string;
  protobuf?: Record<string, ProtobufField>;
  gvk?: { group: string; version: string; kind: string }[];
}

/** `type` is a scalar's name, `map<k,v>`, or a message's full name in the structure's own spelling. */
export interface ProtobufField {
  readonly n: number;
  readonly type: string;
  readonly repeated?: boolean;
  readonly inline?: boolean;
}

/** A resource or subresource as the reference server serves it. */
export interface StructureResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  /** Set on the rows of subresources, e.g. `status`. */
  readonly subresource?: string;
  readonly kind: string;
  /** Set where the kind lives in another group version than the path, e.g. autoscaling/v1 Scale. */
  readonly kindGroupVersion?: string;
}

interface RawStructure {
  definitions: Record<string, RawNode>;
  protobufOnly: Record<string, Record<string, ProtobufField>>;
  resources: StructureResource[];
}

let parsed: RawStructure | undefined;
function structure(): RawStructure {
  parsed ??= JSON.parse(kubernetesStructureJson) as RawStructure;
  return parsed;
}

const nodes = new Map<string, Schema>();

/** The schema of a definition, e.g. `io.k8s.api.core.v1.Pod`. Throws when there is none of this name. */
export function schemaOf(definition: string): Schema {
  let schema = nodes.get(definition);
  if (schema === undefined) {
    const raw = structure().definitions[definition];
    if (raw === undefined) throw new Error(`no definition ${definition} in the structure data`);
    schema = makeSchema(raw, definition);
    nodes.set(definition, schema);
  }
  return schema;
}

/** Definition that declares a kind, undefined where the structure knows none. */
export function definitionOfKind(group: string, version: string, kind: string): string | undefined {
  definitionByKind ??= indexKinds();
  return definitionByKind.get(`${group}/${version}/${kind}`);
}

export function structureResources(): readonly StructureResource[] {
  return structure().resources;
}

export function protobufFields(definition: string): Readonly<Record<string, ProtobufField>> | undefined {
  return structure().definitions[definition]?.protobuf ?? structure().protobufOnly[definition];
}

export function definitionNames(): readonly string[] {
  return Object.keys(structure().definitions);
}

let definitionByKind: Map<string, string> | undefined;
function indexKinds(): Map<string, string> {
  const index = new Map<string, string>();
  for (const [name, raw] of Object.entries(structure().definitions)) {
    for (const { group, version, kind } of raw.gvk ?? []) {
      const key = `${group}/${version}/${kind}`;
      if (!index.has(key)) index.set(key, name);
    }
  }
  return index;
}

const anyJsonDefinitions = /\.(RawExtension|JSON|JSONSchemaPropsOr\w+|FieldsV1|WatchEvent)$/;

function makeSchema(raw: RawNode, definition: string | undefined): Schema {
  let properties: ReadonlyMap<string, Schema> | undefined;
  let items: Schema | undefined;
  let additionalProperties: Schema | undefined;
  return {
    type: raw.type,
    format: definition?.endsWith('.resource.Quantity') === true ? 'quantity' : raw.format,
    definition,
    required: raw.required ?? [],
    listType: raw.listType,
    listMapKeys: raw.listMapKeys ?? [],
    mapType: raw.mapType,
    patchStrategy: (raw.patchStrategy?.split(',') ?? []) as Schema['patchStrategy'],
    patchMergeKey: raw.patchMergeKey,
    preserveUnknownFields: definition !== undefined && anyJsonDefinitions.test(definition),
    get properties() {
      if (raw.properties !== undefined) {
        properties ??= new Map(
          Object.entries(raw.properties).map(([name, node]) => [name, nodeSchema(node)]),
        );
      }
      return properties;
    },
    get items() {
      if (raw.items !== undefined) items ??= nodeSchema(raw.items);
      return items;
    },
    get additionalProperties() {
      if (typeof raw.additionalProperties === 'object')
        additionalProperties ??= nodeSchema(raw.additionalProperties);
      return additionalProperties;
    },
  };
}

/** A reference takes its target's shape; list and patch hints beside the reference win. */
function nodeSchema(raw: RawNode): Schema {
  if (raw.ref === undefined) return makeSchema(raw, undefined);
  const target = schemaOf(raw.ref);
  const hinted =
    raw.listType !== undefined ||
    raw.mapType !== undefined ||
    raw.patchStrategy !== undefined ||
    raw.patchMergeKey !== undefined;
  if (!hinted) return target;
  return {
    type: target.type,
    format: target.format,
    definition: target.definition,
    required: target.required,
    get properties() {
      return target.properties;
    },
    get items() {
      return target.items;
    },
    get additionalProperties() {
      return target.additionalProperties;
    },
    listType: raw.listType ?? target.listType,
    listMapKeys: raw.listMapKeys ?? target.listMapKeys,
    mapType: raw.mapType ?? target.mapType,
    patchStrategy: (raw.patchStrategy?.split(',') ?? target.patchStrategy) as Schema['patchStrategy'],
    patchMergeKey: raw.patchMergeKey ?? target.patchMergeKey,
    preserveUnknownFields: target.preserveUnknownFields,
  };
}
