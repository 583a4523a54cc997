import {
  alreadyExists,
  ApiError,
  conflict,
  notFound,
  parseLabelSelector,
  semanticEqual,
  type KubernetesObject,
} from '#libs/apimachinery';
import {
  deepCopy,
  formatTime,
  type Clock,
  type Transport,
  type TransportRequest,
  type WatchSink,
} from '#libs/client';

interface Target {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

interface Watch {
  readonly target: Target;
  readonly sink: WatchSink;
}

interface LoggedEvent {
  readonly revision: number;
  readonly resource: string;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubernetesObject;
}

type Refuse = (request: TransportRequest) => ApiError | undefined;

/**
 * SPEC ONLY: stores objects by path with resource versions, generations, graceful deletion through finalizers,
 * merge patches and watches. No defaults, no validation, no admission: those belong to the API server's own specs.
 */
export class FakeApi implements Transport {
  readonly requests: TransportRequest[] = [];
  /** Answers a request with an error instead of serving it. */
  refuse: Refuse | undefined;
  /** Discovery documents by path. */
  readonly documents = new Map<string, unknown>();
  /** Kinds whose deletion only sets a timestamp until `finish` is called, as a kubelet's pods. */
  readonly graceful = new Set<string>();
  readonly #objects = new Map<string, KubernetesObject>();
  readonly #watches = new Set<Watch>();
  readonly #clock: Clock;
  #revision = 1;
  #sequence = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** All objects of a resource, e.g. `pods`. */
  list<T extends KubernetesObject>(resource: string, namespace?: string): T[] {
    return [...this.#objects]
      .filter(
        ([key, object]) =>
          key.startsWith(`${resource}|`) &&
          (namespace ?? object.metadata.namespace) === object.metadata.namespace,
      )
      .map(([, object]) => object as T);
  }

  get<T extends KubernetesObject>(resource: string, namespace: string, name: string): T | undefined {
    return this.#objects.get(`${resource}|${namespace}/${name}`) as T | undefined;
  }

  /** Changes an object as some other client would; no conflict checks. */
  change(resource: string, namespace: string, name: string, edit: (object: KubernetesObject) => void): void {
    const previous = this.get(resource, namespace, name);
    if (previous === undefined) throw new Error(`no ${resource} ${namespace}/${name}`);
    const next = deepCopy(previous);
    edit(next);
    if (!semanticEqual(previous['spec'], next['spec'])) bumpGeneration(next);
    this.#store(`${resource}|${namespace}/${name}`, next, previous);
  }

  put(resource: string, object: KubernetesObject): KubernetesObject {
    return this.#create(
      {
        group: '',
        version: 'v1',
        resource,
        namespace: object.metadata.namespace,
        name: undefined,
        subresource: undefined,
      },
      object,
    );
  }

  remove(resource: string, namespace: string, name: string): void {
    this.#erase(`${resource}|${namespace}/${name}`);
  }

  async request(request: TransportRequest): Promise<{ status: number; body: unknown }> {
    await new Promise((resolve) => setImmediate(resolve)); // a controller that never rests must not stop the loop
    request.signal?.throwIfAborted();
    this.requests.push(request);
    const refused = this.refuse?.(request);
    if (refused !== undefined) throw refused;
    const document = this.documents.get(request.path);
    if (document !== undefined) return { status: 200, body: document };
    return { status: 200, body: this.#serve(request, parsePath(request.path)) };
  }

  async watch(request: TransportRequest, sink: WatchSink): Promise<{ close(): void }> {
    request.signal?.throwIfAborted();
    const watch = { target: parsePath(request.path), sink };
    const from = Number(request.query?.['resourceVersion'] ?? 0);
    this.#watches.add(watch);
    const close = (): void => {
      if (this.#watches.delete(watch)) sink.onEnd();
    };
    request.signal?.addEventListener('abort', close, { once: true });
    if (from < this.#revision)
      for (const event of this.#log.filter((each) => each.revision > from)) this.#send(watch, event);
    return { close };
  }

  readonly #log: LoggedEvent[] = [];

  #send(watch: Watch, event: LoggedEvent): void {
    if (watch.target.resource !== event.resource) return;
    if (watch.target.namespace !== undefined && watch.target.namespace !== event.object.metadata.namespace)
      return;
    watch.sink.onEvent(event.type, event.object);
  }

  #serve(request: TransportRequest, target: Target): unknown {
    const of = { group: target.group, resource: target.resource };
    if (target.name === undefined) {
      if (request.method === 'POST') return this.#create(target, request.body as KubernetesObject);
      const items = this.#select(request, target);
      if (request.method === 'GET') {
        return { metadata: { resourceVersion: String(this.#revision) }, items };
      }
      for (const item of items) this.#delete(keyIn(target, item), {});
      return { kind: 'Status', status: 'Success' };
    }
    const key = `${target.resource}|${target.namespace ?? ''}/${target.name}`;
    const current = this.#objects.get(key);
    if (current === undefined) throw notFound(of, target.name);
    switch (request.method) {
      case 'GET':
        return current;
      case 'PUT':
        return this.#update(key, target, current, request.body as KubernetesObject);
      case 'PATCH':
        return this.#update(
          key,
          target,
          current,
          mergePatch(deepCopy(current), request.body) as KubernetesObject,
        );
      case 'DELETE':
        return this.#delete(key, request.body as DeleteBody);
      default:
        throw new Error(`${request.method} ${request.path} is not served here`);
    }
  }

  #select(request: TransportRequest, target: Target): KubernetesObject[] {
    const selector = parseLabelSelector(request.query?.['labelSelector'] ?? '');
    return this.list(target.resource).filter(
      (object) =>
        (target.namespace === undefined || object.metadata.namespace === target.namespace) &&
        selector.matches(object.metadata.labels),
    );
  }

  #create(target: Target, object: KubernetesObject): KubernetesObject {
    const name =
      object.metadata.name ??
      `${object.metadata.generateName}${(++this.#sequence).toString(36).padStart(5, '0')}`;
    const key = `${target.resource}|${target.namespace ?? ''}/${name}`;
    if (this.#objects.has(key)) throw alreadyExists({ group: target.group, resource: target.resource }, name);
    const created: KubernetesObject = {
      ...object,
      metadata: {
        ...object.metadata,
        name,
        ...(target.namespace === undefined ? {} : { namespace: target.namespace }),
        uid: object.metadata.uid ?? `uid-${++this.#sequence}`,
        generation: 1,
        creationTimestamp: formatTime(this.#clock.now()),
      },
    };
    return this.#store(key, created, undefined);
  }

  #update(key: string, target: Target, current: KubernetesObject, next: KubernetesObject): KubernetesObject {
    const { resourceVersion, uid } = next.metadata;
    const stale = resourceVersion !== undefined && resourceVersion !== current.metadata.resourceVersion;
    if (stale || (uid !== undefined && uid !== current.metadata.uid)) {
      throw conflict({ group: target.group, resource: target.resource }, target.name ?? '');
    }
    const merged: KubernetesObject =
      target.subresource === 'status'
        ? { ...deepCopy(current), status: next['status'] }
        : { ...next, ...(target.subresource === 'finalize' ? {} : { status: current['status'] }) };
    merged.metadata = {
      ...merged.metadata,
      ...pick(current.metadata, [
        'uid',
        'creationTimestamp',
        'generation',
        'deletionTimestamp',
        'name',
        'namespace',
      ]),
    };
    if (!semanticEqual(current['spec'], merged['spec'])) bumpGeneration(merged);
    if (semanticEqual(current, merged)) return current;
    const isDone =
      isEmpty(merged.metadata.finalizers) &&
      isEmpty((merged['spec'] as { finalizers?: string[] } | undefined)?.finalizers);
    if (merged.metadata.deletionTimestamp !== undefined && isDone && !this.graceful.has(target.resource)) {
      this.#objects.set(key, merged);
      this.#erase(key);
      return merged;
    }
    return this.#store(key, merged, current);
  }

  #delete(key: string, options: DeleteBody): unknown {
    const current = this.#objects.get(key);
    if (current === undefined) return undefined;
    const resource = key.slice(0, key.indexOf('|'));
    const { uid, resourceVersion } = options.preconditions ?? {};
    if (
      (uid !== undefined && uid !== current.metadata.uid) ||
      (resourceVersion !== undefined && resourceVersion !== current.metadata.resourceVersion)
    ) {
      throw conflict({ group: '', resource }, current.metadata.name ?? '');
    }
    const finalizers = [...(current.metadata.finalizers ?? [])];
    if (options.propagationPolicy === 'Foreground') finalizers.push('foregroundDeletion');
    if (options.propagationPolicy === 'Orphan') finalizers.push('orphan');
    const specFinalizers = (current['spec'] as { finalizers?: string[] } | undefined)?.finalizers;
    const isGraceful = this.graceful.has(resource) && options.gracePeriodSeconds !== 0;
    if (isEmpty(finalizers) && isEmpty(specFinalizers) && !isGraceful) return this.#erase(key);
    if (current.metadata.deletionTimestamp !== undefined) return current;
    const next = deepCopy(current);
    next.metadata.deletionTimestamp = formatTime(this.#clock.now());
    next.metadata.finalizers = finalizers;
    return this.#store(key, next, current);
  }

  #erase(key: string): KubernetesObject | undefined {
    const current = this.#objects.get(key);
    if (current === undefined) return undefined;
    this.#objects.delete(key);
    const gone = deepCopy(current);
    gone.metadata.resourceVersion = String(++this.#revision);
    this.#publish('DELETED', key, gone);
    return gone;
  }

  #store(key: string, object: KubernetesObject, previous: KubernetesObject | undefined): KubernetesObject {
    object.metadata.resourceVersion = String(++this.#revision);
    deepFreeze(object); // whoever writes to a shared object fails at once
    this.#objects.set(key, object);
    this.#publish(previous === undefined ? 'ADDED' : 'MODIFIED', key, object);
    return object;
  }

  #publish(type: 'ADDED' | 'MODIFIED' | 'DELETED', key: string, object: KubernetesObject): void {
    const event = { revision: this.#revision, resource: key.slice(0, key.indexOf('|')), type, object };
    this.#log.push(event);
    for (const watch of this.#watches) this.#send(watch, event);
  }
}

interface DeleteBody {
  readonly propagationPolicy?: string;
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

function parsePath(path: string): Target {
  const parts = path.split('/').slice(1);
  const core = parts[0] === 'api';
  const [group, version] = core ? ['', parts[1] ?? ''] : [parts[1] ?? '', parts[2] ?? ''];
  const rest = parts.slice(core ? 2 : 3);
  const isNamespaced =
    rest[0] === 'namespaces' && rest.length > 2 && rest[2] !== 'finalize' && rest[2] !== 'status';
  const namespace = isNamespaced ? rest[1] : undefined;
  const [resource = '', name, subresource] = isNamespaced ? rest.slice(2) : rest;
  return { group, version, resource, namespace, name, subresource };
}

function keyIn(target: Target, object: KubernetesObject): string {
  return `${target.resource}|${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> =
    typeof target === 'object' && target !== null && !Array.isArray(target)
      ? (target as Record<string, unknown>)
      : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else if (value !== undefined) result[key] = mergePatch(result[key], value);
  }
  return result;
}

function bumpGeneration(object: KubernetesObject): void {
  object.metadata.generation = (object.metadata.generation ?? 0) + 1;
}

function isEmpty(list: readonly unknown[] | undefined): boolean {
  return list === undefined || list.length === 0;
}

function pick<T extends object>(source: T, keys: readonly (keyof T)[]): Partial<T> {
  const picked: Partial<T> = {};
  for (const key of keys) if (source[key] !== undefined) picked[key] = source[key];
  return picked;
}

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const item of Object.values(value)) deepFreeze(item);
}
