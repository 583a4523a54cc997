import type { Pod, Transport, TransportRequest, TransportResponse, WatchSink } from '#libs/client';
import type { KubernetesObject } from '#libs/apimachinery';

/** Lists, watches and binds, out of maps: what the scheduler costs shows without an API server beside it. */
export class MemoryApi implements Transport {
  readonly #objects = new Map<string, Map<string, KubernetesObject>>();
  readonly #watchers = new Map<string, Set<WatchSink>>();
  #revision = 1;
  #bound = 0;
  #waiting: { readonly count: number; readonly resolve: () => void } | undefined;

  put(resource: string, object: KubernetesObject): void {
    let objects = this.#objects.get(resource);
    if (objects === undefined) this.#objects.set(resource, (objects = new Map()));
    const name = object.metadata.name ?? '';
    const known = objects.has(name);
    object.metadata = { ...object.metadata, resourceVersion: String(++this.#revision) };
    objects.set(name, object);
    for (const sink of this.#watchers.get(resource) ?? []) sink.onEvent(known ? 'MODIFIED' : 'ADDED', object);
  }

  whenBound(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = { count, resolve };
      this.#check();
    });
  }

  async request({ method, path, body }: TransportRequest): Promise<TransportResponse> {
    const parts = path.split('/');
    if (method === 'POST' && path.endsWith('/binding')) {
      const pod = this.#objects.get('pods')?.get(parts.at(-2) ?? '') as Pod;
      const { target } = body as { target: { name: string } };
      this.#bound++;
      this.put('pods', { ...pod, spec: { ...pod.spec, nodeName: target.name } } as Pod);
      this.#check();
      return { status: 201, body: {} };
    }
    if (method !== 'GET') return { status: 200, body: {} };
    const items = [...(this.#objects.get(parts.at(-1) ?? '')?.values() ?? [])];
    return { status: 200, body: { items, metadata: { resourceVersion: String(this.#revision) } } };
  }

  async watch({ path, signal }: TransportRequest, sink: WatchSink): Promise<{ close(): void }> {
    const resource = path.split('/').at(-1) ?? '';
    let watchers = this.#watchers.get(resource);
    if (watchers === undefined) this.#watchers.set(resource, (watchers = new Set()));
    watchers.add(sink);
    const close = (): void => {
      if (watchers.delete(sink)) sink.onEnd();
    };
    signal?.addEventListener('abort', close, { once: true });
    return { close };
  }

  #check(): void {
    if (this.#waiting !== undefined && this.#bound >= this.#waiting.count) this.#waiting.resolve();
  }
}
