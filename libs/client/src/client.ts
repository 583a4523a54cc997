import { setMaxListeners } from 'node:events';
import type { GroupVersionResource, KubernetesObject } from '#libs/apimachinery';
import type { Transport, TransportRequest, WatchSink } from './transport.js';

/** Names a resource and, through `T`, the shape of its objects; see `resources`. */
export interface ResourceRef<T extends KubernetesObject = KubernetesObject> extends GroupVersionResource {
  /** Never set: carries the type. */
  readonly objectType?: T;
}

export interface ListResult<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** Set where another page follows. */
  readonly continue: string | undefined;
  readonly remainingItemCount: number | undefined;
}

export interface Selectors {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface ListOptions extends Selectors {
  readonly limit?: number;
  readonly continue?: string;
  /** Absent: linearizable. `0`: whatever the replica has. */
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan';
  readonly signal?: AbortSignal;
}

export interface WatchOptions extends Selectors {
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'NotOlderThan';
  readonly sendInitialEvents?: boolean;
  readonly allowWatchBookmarks?: boolean;
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal;
}

export interface GetOptions {
  readonly namespace?: string;
  readonly resourceVersion?: string;
  readonly signal?: AbortSignal;
}

export interface WriteOptions {
  /** Absent: the object's own `metadata.namespace`. */
  readonly namespace?: string;
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  readonly signal?: AbortSignal;
}

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

export interface PatchOptions extends WriteOptions {
  /** Default `merge`. */
  readonly type?: PatchType;
  readonly subresource?: string;
  /** With `apply`: take over fields that others own. */
  readonly force?: boolean;
}

export interface DeleteOptions {
  readonly namespace?: string;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

export interface SubresourceOptions {
  readonly namespace?: string;
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
}

/**
 * The verbs of one resource. Everything rejects with ApiError when the server refuses, ConnectionError when it is out
 * of reach. Objects that come back are shared and read only; objects handed over belong to the server afterwards.
 */
export interface ResourceClient<T extends KubernetesObject = KubernetesObject> {
  readonly ref: ResourceRef<T>;
  get(name: string, options?: GetOptions): Promise<T>;
  list(options?: ListOptions): Promise<ListResult<T>>;
  create(object: T, options?: WriteOptions): Promise<T>;
  update(object: T, options?: WriteOptions): Promise<T>;
  updateStatus(object: T, options?: WriteOptions): Promise<T>;
  patch(name: string, patch: unknown, options?: PatchOptions): Promise<T>;
  /** Server-side apply; `fieldManager` is required by the API. */
  applyPatch(
    name: string,
    object: unknown,
    options: Omit<PatchOptions, 'type'> & { readonly fieldManager: string },
  ): Promise<T>;
  /** Resolves with the object (still terminating) or a Status. */
  delete(name: string, options?: DeleteOptions): Promise<unknown>;
  deleteCollection(options?: Selectors & DeleteOptions): Promise<unknown>;
  watch(options: WatchOptions, sink: WatchSink): Promise<{ close(): void }>;
  /** `binding`, `eviction`, `scale`, `token`, … POST unless told otherwise. */
  subresource(name: string, subresource: string, options?: SubresourceOptions): Promise<unknown>;
}

export interface Client {
  readonly transport: Transport;
  resource<T extends KubernetesObject>(ref: ResourceRef<T>): ResourceClient<T>;
  /** A path that is no resource, e.g. discovery or `/version`. */
  raw(request: TransportRequest): Promise<unknown>;
}

const patchContentTypes: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

export function createClient(transport: Transport): Client {
  return {
    transport,
    resource: (ref) => createResourceClient(transport, ref),
    raw: async (request) => (await transport.request(request)).body,
  };
}

/** All requests of the transport returned end when `signal` aborts, and none starts afterwards. */
export function bindSignal(transport: Transport, signal: AbortSignal): Transport {
  setMaxListeners(0, signal); // one for each watch and request under way: no leak
  const bind = (request: TransportRequest): TransportRequest => {
    const own = request.signal;
    // AbortSignal.any leaves a trace on its sources for as long as they live: only where there are two.
    if (own === signal) return request;
    return { ...request, signal: own === undefined ? signal : AbortSignal.any([own, signal]) };
  };
  return {
    async request(request) {
      signal.throwIfAborted();
      return transport.request(bind(request));
    },
    async watch(request, sink) {
      signal.throwIfAborted();
      return transport.watch(bind(request), sink);
    },
  };
}

/** `/api/v1/namespaces/default/pods/name/status` and its like. */
export function resourcePath(
  ref: GroupVersionResource,
  namespace?: string,
  name?: string,
  subresource?: string,
): string {
  let path = ref.group === '' ? `/api/${ref.version}` : `/apis/${ref.group}/${ref.version}`;
  if (namespace !== undefined && namespace !== '') path += `/namespaces/${namespace}`;
  path += `/${ref.resource}`;
  if (name !== undefined) path += `/${name}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

function createResourceClient<T extends KubernetesObject>(
  transport: Transport,
  ref: ResourceRef<T>,
): ResourceClient<T> {
  const send = async (request: TransportRequest): Promise<T> => (await transport.request(request)).body as T;
  const put = (object: T, options: WriteOptions | undefined, subresource?: string): Promise<T> =>
    send({
      method: 'PUT',
      path: resourcePath(ref, options?.namespace ?? object.metadata.namespace, nameOf(object), subresource),
      ...writeQuery(options),
      body: object,
      ...signalOf(options),
    });
  const patch = (name: string, body: unknown, options: PatchOptions = {}): Promise<T> =>
    send({
      method: 'PATCH',
      path: resourcePath(ref, options.namespace, name, options.subresource),
      query: { ...writeQuery(options).query, force: options.force === true ? 'true' : undefined },
      body,
      contentType: patchContentTypes[options.type ?? 'merge'],
      ...signalOf(options),
    });
  return {
    ref,
    get: (name, options) =>
      send({
        method: 'GET',
        path: resourcePath(ref, options?.namespace, name),
        query: { resourceVersion: options?.resourceVersion },
        ...signalOf(options),
      }),
    list: (options = {}) => list<T>(transport, ref, options),
    create: (object, options) =>
      send({
        method: 'POST',
        path: resourcePath(ref, options?.namespace ?? object.metadata.namespace),
        ...writeQuery(options),
        body: object,
        ...signalOf(options),
      }),
    update: (object, options) => put(object, options),
    updateStatus: (object, options) => put(object, options, 'status'),
    patch,
    applyPatch: (name, object, options) => patch(name, object, { ...options, type: 'apply' }),
    delete: (name, options) => send(deleteRequest(ref, name, options)),
    deleteCollection: (options) => send(deleteRequest(ref, undefined, options)),
    watch: (options, sink) => transport.watch(watchRequest(ref, options), sink),
    subresource: (name, subresource, options = {}) =>
      send({
        method: options.method ?? 'POST',
        path: resourcePath(ref, options.namespace, name, subresource),
        ...(options.query === undefined ? {} : { query: options.query }),
        ...(options.body === undefined ? {} : { body: options.body }),
        ...signalOf(options),
      }),
  };
}

function nameOf(object: KubernetesObject): string {
  const { name } = object.metadata;
  if (name === undefined) throw new Error(`${object.kind} without a name`);
  return name;
}

function signalOf(options: { readonly signal?: AbortSignal } | undefined): { signal?: AbortSignal } {
  return options?.signal === undefined ? {} : { signal: options.signal };
}

function writeQuery(options: WriteOptions | undefined): { query?: Record<string, string | undefined> } {
  if (options === undefined) return {};
  return {
    query: { dryRun: options.dryRun === true ? 'All' : undefined, fieldManager: options.fieldManager },
  };
}

async function list<T extends KubernetesObject>(
  transport: Transport,
  ref: ResourceRef<T>,
  options: ListOptions,
): Promise<ListResult<T>> {
  const response = await transport.request({
    method: 'GET',
    path: resourcePath(ref, options.namespace),
    query: {
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
      limit: options.limit?.toString(),
      continue: options.continue,
      resourceVersion: options.resourceVersion,
      resourceVersionMatch: options.resourceVersionMatch,
    },
    ...signalOf(options),
  });
  const body = response.body as {
    kind?: string;
    apiVersion?: string;
    items?: T[] | null;
    metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
  };
  return {
    items: body.items ?? [],
    resourceVersion: body.metadata.resourceVersion ?? '',
    continue: body.metadata.continue === '' ? undefined : body.metadata.continue,
    remainingItemCount: body.metadata.remainingItemCount,
  };
}

function watchRequest(ref: GroupVersionResource, options: WatchOptions): TransportRequest {
  return {
    method: 'GET',
    path: resourcePath(ref, options.namespace),
    query: {
      watch: 'true',
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
      resourceVersion: options.resourceVersion,
      resourceVersionMatch: options.resourceVersionMatch,
      sendInitialEvents: options.sendInitialEvents === true ? 'true' : undefined,
      allowWatchBookmarks: options.allowWatchBookmarks === true ? 'true' : undefined,
      timeoutSeconds: options.timeoutSeconds?.toString(),
    },
    ...signalOf(options),
  };
}

function deleteRequest(
  ref: GroupVersionResource,
  name: string | undefined,
  options: Selectors & DeleteOptions = {},
): TransportRequest {
  const { propagationPolicy, gracePeriodSeconds, preconditions, dryRun } = options;
  return {
    method: 'DELETE',
    path: resourcePath(ref, options.namespace, name),
    query: { labelSelector: options.labelSelector, fieldSelector: options.fieldSelector },
    body: {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
      ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
      ...(preconditions === undefined ? {} : { preconditions }),
      ...(dryRun === true ? { dryRun: ['All'] } : {}),
    },
    ...signalOf(options),
  };
}
