import type { StructureResource } from '../structure/schema.js';
import { definitionOfKind, schemaOf } from '../structure/schema.js';
import { validateMetadata, validateMetadataUpdate } from '../kinds/common/metadata.js';
import { dnsSubdomain } from '../kinds/common/names.js';
import { defaultColumns } from '../tables/default-columns.js';
import type {
  FieldError,
  KubernetesObject,
  ResourceDeclaration,
  StrategyContext,
  SubresourceDeclaration,
} from '../types.js';
import type { KindDefinition } from './define-kind.js';
import { changedBesideMetadataAndStatus } from './semantic-equal.js';

/** What the generic strategy has to know of a kind. */
export interface StrategyShape {
  readonly hasStatus: boolean;
  readonly namespaced: boolean;
  readonly definition: KindDefinition;
  /** Finalizers are standard or have a domain; custom resources may have others. */
  readonly standardFinalizers: boolean;
}

/**
 * Makes the declaration of a resource from its row in the structure data and what the kind's own file adds.
 * `stored` names the version in which its objects are kept.
 */
export function declare(
  row: StructureResource,
  subresources: readonly StructureResource[],
  kind: KindDefinition,
  stored: { readonly group: string; readonly version: string },
): ResourceDeclaration {
  const definition = definitionOfKind(row.group, row.version, row.kind);
  const hasStatus =
    subresources.some((sub) => sub.subresource === 'status') &&
    definition !== undefined &&
    schemaOf(definition).properties?.has('status') === true;
  const shape: StrategyShape = {
    hasStatus,
    namespaced: row.namespaced,
    definition: kind,
    standardFinalizers: kind.customFinalizers !== true,
  };
  return {
    group: row.group,
    version: row.version,
    kind: row.kind,
    listKind: `${row.kind}List`,
    resource: row.resource,
    singular: kind.singular ?? row.kind.toLowerCase(),
    shortNames: kind.shortNames ?? [],
    categories: kind.categories ?? [],
    namespaced: row.namespaced,
    verbs: row.verbs,
    subresources: subresources.map(subresourceOf),
    definition,
    storageVersion: stored,
    virtual: kind.virtual ?? !row.verbs.includes('get'),
    allowCreateOnUpdate: kind.allowCreateOnUpdate ?? false,
    setDefaults: defaultsOf(definition, kind),
    columns: kind.columns ?? defaultColumns,
    selectableFields: kind.selectableFields ?? {},
    ...(kind.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: kind.gracePeriodSeconds }),
    ...strategyOf(shape),
    ...conversionOf(row, kind, stored),
  };
}

/** In Go a spec that was not sent is an empty one, and gets its defaults. */
function defaultsOf(
  definition: string | undefined,
  kind: KindDefinition,
): ResourceDeclaration['setDefaults'] {
  const own = kind.setDefaults;
  const hasSpec = definition !== undefined && schemaOf(definition).properties?.has('spec') === true;
  if (!hasSpec) return own ?? (() => undefined);
  return (object) => {
    object['spec'] ??= {};
    own?.(object);
  };
}

function subresourceOf(row: StructureResource): SubresourceDeclaration {
  const [group, version] = row.kindGroupVersion?.split('/') ?? [row.group, row.version];
  return { name: row.subresource!, group: group!, version: version!, kind: row.kind, verbs: row.verbs };
}

function conversionOf(
  row: StructureResource,
  kind: KindDefinition,
  stored: { readonly group: string; readonly version: string },
): Pick<ResourceDeclaration, 'toStorage' | 'fromStorage'> {
  if (stored.group === row.group && stored.version === row.version) return {};
  const storedApiVersion = apiVersionOf(stored.group, stored.version);
  const servedApiVersion = apiVersionOf(row.group, row.version);
  const { toStorage, fromStorage } = kind;
  return {
    toStorage: (object) => ({ ...(toStorage?.(object) ?? object), apiVersion: storedApiVersion }),
    fromStorage: (object) => ({ ...(fromStorage?.(object) ?? object), apiVersion: servedApiVersion }),
  };
}

export function apiVersionOf(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

type Strategy = Pick<
  ResourceDeclaration,
  'prepareForCreate' | 'prepareForUpdate' | 'validate' | 'validateUpdate'
>;

/** The strategy every kind has; hooks of the kind run inside. Custom resources use it too. */
export function strategyOf(shape: StrategyShape): Strategy {
  const { hasStatus, namespaced, definition: kind, standardFinalizers } = shape;
  const nameRule = kind.name ?? dnsSubdomain;
  return {
    prepareForCreate(object, context) {
      if (hasStatus && kind.statusOnCreate !== true)
        object['status'] = kind.initialStatus?.(object, context) ?? {};
      if (kind.generation === true) object.metadata.generation = 1;
      else delete object.metadata.generation;
      kind.prepareForCreate?.(object, context);
    },
    prepareForUpdate(next, previous, context) {
      if (context.subresource === 'status') keepAllButStatus(next, previous);
      else if (hasStatus && kind.statusWriters?.includes(context.subresource) !== true)
        restore(next, previous, 'status');
      kind.prepareForUpdate?.(next, previous, context);
      countGeneration(next, previous, kind, context);
    },
    validate(object) {
      const errors: FieldError[] = [];
      validateMetadata(object.metadata, { namespaced, nameRule, standardFinalizers }, errors);
      kind.validate?.(object, errors);
      return errors;
    },
    validateUpdate(next, previous, subresource = '') {
      const errors: FieldError[] = [];
      validateMetadata(next.metadata, { namespaced, nameRule, standardFinalizers }, errors);
      validateMetadataUpdate(next.metadata, previous.metadata, errors);
      if (kind.validateUpdate !== undefined) kind.validateUpdate(next, previous, errors, subresource);
      else kind.validate?.(next, errors);
      return errors;
    },
  };
}

function countGeneration(
  next: KubernetesObject,
  previous: KubernetesObject,
  kind: KindDefinition,
  context: StrategyContext,
): void {
  const generation = previous.metadata.generation;
  const counts = kind.generation === true && context.subresource !== 'status';
  if (
    counts &&
    (changedBesideMetadataAndStatus(next, previous) || kind.alsoNewGeneration?.(next, previous) === true)
  )
    next.metadata.generation = (generation ?? 0) + 1;
  else if (generation === undefined) delete next.metadata.generation;
  else next.metadata.generation = generation;
}

/** A status update changes status and metadata alone. */
function keepAllButStatus(next: KubernetesObject, previous: KubernetesObject): void {
  for (const key of Object.keys({ ...previous, ...next })) {
    if (key !== 'apiVersion' && key !== 'kind' && key !== 'metadata' && key !== 'status')
      restore(next, previous, key);
  }
}

/** Takes a top-level field from the previous object; shared with it, so it must not be written to afterwards. */
function restore(next: KubernetesObject, previous: KubernetesObject, key: string): void {
  const value = previous[key];
  if (value === undefined) delete next[key];
  else next[key] = value;
}
