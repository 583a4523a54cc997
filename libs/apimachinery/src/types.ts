/** JSON as Kubernetes knows it. Objects made by our decoders have no prototype keys of their own (`__proto__` is refused). */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json | undefined;
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface ManagedFieldsEntry {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  time?: string;
  fieldsType?: 'FieldsV1';
  fieldsV1?: JsonObject;
  subresource?: string;
}

export interface ObjectMeta {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
  managedFields?: ManagedFieldsEntry[];
}

/** Any Kubernetes object. `spec`, `status` and the rest are typed by whoever knows the kind. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface GroupVersionResource {
  readonly group: string;
  readonly version: string;
  /** Plural, lower case. */
  readonly resource: string;
}

/** One field error, as Kubernetes' validation words them. */
export interface FieldError {
  readonly type:
    | 'Required'
    | 'Invalid'
    | 'NotSupported'
    | 'NotFound'
    | 'Duplicate'
    | 'Forbidden'
    | 'TooLong'
    | 'TooMany'
    | 'TypeInvalid';
  /** Path, e.g. `spec.containers[0].name`. */
  readonly field: string;
  readonly detail: string;
  readonly value?: unknown;
}

/** What a strategy may look at beside the object. Time and chance are arguments. */
export interface StrategyContext {
  /** RFC 3339 with seconds, UTC. */
  readonly now: string;
  /** True on the status subresource. */
  readonly subresource: string;
}

export interface TableColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format?: string;
  readonly description?: string;
  /** 0 is shown always, 1 with -o wide. */
  readonly priority?: number;
  /** The cell. `nowSeconds` is Unix time; dates are shown as ages ("5m"). */
  readonly cell: (object: KubernetesObject, nowSeconds: number) => string | number | boolean;
}

/**
 * A kind, declared in one place. Routes, discovery, OpenAPI, codecs and patches follow from this and the
 * structure data. A custom resource is the same declaration made at run time.
 */
export interface ResourceDeclaration {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly listKind: string;
  /** Plural, the path segment. */
  readonly resource: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  /** `status`, `scale`, `binding`, `eviction`, `token`, `approval`, … with the kind each takes and its verbs. */
  readonly subresources: readonly SubresourceDeclaration[];
  /** Key of the structure's definition, e.g. `io.k8s.api.core.v1.Pod`. */
  readonly definition: string | undefined;
  /** The version objects of this resource are stored in; differs from `version` for served aliases. */
  readonly storageVersion: { readonly group: string; readonly version: string };
  /** Never stored: reviews and the like are computed on create. */
  readonly virtual: boolean;
  /** Fills in defaults, in place, on a decoded object of this version. */
  readonly setDefaults: (object: KubernetesObject) => void;
  /** Before create: clears status, sets generation 1, and what else the kind's strategy does. In place. */
  readonly prepareForCreate: (object: KubernetesObject, context: StrategyContext) => void;
  /** Before update (or status update): keeps what may not change, bumps generation when the spec did. In place on `next`. */
  readonly prepareForUpdate: (
    next: KubernetesObject,
    previous: KubernetesObject,
    context: StrategyContext,
  ) => void;
  readonly validate: (object: KubernetesObject) => readonly FieldError[];
  /** `subresource` is empty on the resource itself, as in StrategyContext. */
  readonly validateUpdate: (
    next: KubernetesObject,
    previous: KubernetesObject,
    subresource?: string,
  ) => readonly FieldError[];
  /**
   * Set where `storageVersion` differs from this version: converts to and from the stored form. The result shares parts
   * with the argument, which is not changed. Every served version of a resource shares one storage key space, which is
   * that of `storageVersion.group` and `resource`.
   */
  readonly toStorage?: (object: KubernetesObject) => KubernetesObject;
  readonly fromStorage?: (object: KubernetesObject) => KubernetesObject;
  /** A PUT to a name that does not exist creates it. */
  readonly allowCreateOnUpdate: boolean;
  readonly columns: readonly TableColumn[];
  /** Values for field selectors beyond metadata.name and metadata.namespace, by field label. */
  readonly selectableFields: Readonly<Record<string, (object: KubernetesObject) => string>>;
  /** Seconds of grace that a delete gives when the request names none; undefined: the kind is deleted at once. */
  readonly gracePeriodSeconds?: (object: KubernetesObject) => number;
}

export interface SubresourceDeclaration {
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}

/** All kinds that a server serves; custom resources are added and removed at run time. */
export interface Scheme {
  resources(): readonly ResourceDeclaration[];
  byResource(gvr: GroupVersionResource): ResourceDeclaration | undefined;
  byKind(gvk: GroupVersionKind): ResourceDeclaration | undefined;
  /** Versions of a group, most preferred first. */
  versions(group: string): readonly string[];
  groups(): readonly string[];
  add(declaration: ResourceDeclaration): void;
  remove(gvr: GroupVersionResource): void;
}
