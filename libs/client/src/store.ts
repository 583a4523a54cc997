import type { KubernetesObject } from '#libs/apimachinery';

/** The values under which an object is found in an index; none leaves it out. */
export type IndexFunction<T> = (object: T) => readonly string[];

/** Read access to an informer's cache. Objects are shared: never change one (`deepCopy` first). */
export interface Lister<T extends KubernetesObject> {
  readonly size: number;
  get(namespace: string | undefined, name: string): T | undefined;
  getByKey(key: string): T | undefined;
  values(): IterableIterator<T>;
  /** Objects with `value` in the index `index`, in no order. Throws where the index was never added. */
  byIndex(index: string, value: string): readonly T[];
  /** All of a namespace; needs no index of its own. */
  inNamespace(namespace: string): readonly T[];
}

/** `namespace/name`, or `name` for what lives in no namespace. */
export function keyOf(object: KubernetesObject): string {
  return makeKey(object.metadata.namespace, object.metadata.name ?? '');
}

export function makeKey(namespace: string | undefined, name: string): string {
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

export function splitKey(key: string): { namespace: string | undefined; name: string } {
  const slash = key.indexOf('/');
  return slash === -1
    ? { namespace: undefined, name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

interface Index<T> {
  readonly values: IndexFunction<T>;
  readonly buckets: Map<string, Map<string, T>>;
}

const namespaceIndex = 'namespace';

/** A cache with indexes that cost only what changes: put and remove are O(number of index values). */
export class Store<T extends KubernetesObject> implements Lister<T> {
  readonly #items = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();

  constructor() {
    this.addIndex(namespaceIndex, (object) => [object.metadata.namespace ?? '']);
  }

  /** Adds an index over what is and what comes; adding a name again changes nothing. */
  addIndex(name: string, values: IndexFunction<T>): void {
    if (this.#indexes.has(name)) return;
    const index: Index<T> = { values, buckets: new Map() };
    this.#indexes.set(name, index);
    for (const [key, object] of this.#items) insert(index, key, object);
  }

  get size(): number {
    return this.#items.size;
  }

  get(namespace: string | undefined, name: string): T | undefined {
    return this.#items.get(makeKey(namespace, name));
  }

  getByKey(key: string): T | undefined {
    return this.#items.get(key);
  }

  values(): IterableIterator<T> {
    return this.#items.values();
  }

  keys(): IterableIterator<string> {
    return this.#items.keys();
  }

  byIndex(name: string, value: string): readonly T[] {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new Error(`no index ${name}`);
    const bucket = index.buckets.get(value);
    return bucket === undefined ? [] : [...bucket.values()];
  }

  inNamespace(namespace: string): readonly T[] {
    return this.byIndex(namespaceIndex, namespace);
  }

  /** Returns what was there before. */
  put(key: string, object: T): T | undefined {
    const previous = this.#items.get(key);
    this.#items.set(key, object);
    for (const index of this.#indexes.values()) replace(index, key, object, previous);
    return previous;
  }

  delete(key: string): T | undefined {
    const previous = this.#items.get(key);
    if (previous === undefined) return undefined;
    this.#items.delete(key);
    for (const index of this.#indexes.values()) remove(index, key, previous);
    return previous;
  }
}

/** Most changes (a status, a heartbeat) leave the index values as they are: then only the object is exchanged. */
function replace<T>(index: Index<T>, key: string, object: T, previous: T | undefined): void {
  if (previous !== undefined) {
    const before = index.values(previous);
    const after = index.values(object);
    if (before.length === after.length && before.every((value, at) => value === after[at])) {
      for (const value of after) index.buckets.get(value)?.set(key, object);
      return;
    }
    remove(index, key, previous);
  }
  insert(index, key, object);
}

function insert<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.values(object)) {
    let bucket = index.buckets.get(value);
    if (bucket === undefined) index.buckets.set(value, (bucket = new Map()));
    bucket.set(key, object);
  }
}

function remove<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.values(object)) {
    const bucket = index.buckets.get(value);
    if (bucket?.delete(key) === true && bucket.size === 0) index.buckets.delete(value);
  }
}
