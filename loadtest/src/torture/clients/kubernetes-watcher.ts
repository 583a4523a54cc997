import type { WatchItem } from '#libs/history';
import type { KubernetesClientOptions } from './kubernetes-clients.js';
import { KubernetesConnection, type WatchMessage } from './kubernetes-connection.js';
import { pause } from './pacing.js';
import { Silence } from './silence.js';

/** Follows the namespace's ConfigMaps over as many connections as it takes, and records what it was given. */
export class KubernetesWatcher {
  readonly #options: KubernetesClientOptions;
  #after: number;
  #items: WatchItem[] = [];
  #position: number;
  #batch = 0;

  constructor(options: KubernetesClientOptions, after: number) {
    this.#options = options;
    this.#after = after;
    this.#position = after;
  }

  get position(): number {
    return this.#position;
  }

  async run(): Promise<void> {
    const { cluster, placement, signal } = this.#options;
    for (let n = 0; !signal.aborted; n++) {
      if (n > 0) this.#items.push({ kind: 'resume', after: this.#position });
      const connection = new KubernetesConnection(cluster.masters[placement.master]!.apiServer, cluster.tls);
      const close = (): void => connection.close();
      const silence = new Silence(close);
      signal.addEventListener('abort', close, { once: true });
      const watched = connection.watch(this.#position, (message) => {
        silence.broken();
        this.#take(message);
      });
      // However it ends, the next connection goes on from where this one was.
      await watched.catch(() => undefined);
      silence.stop();
      signal.removeEventListener('abort', close);
      connection.close();
      placement.failed();
      await pause(20, signal);
    }
    this.#finish();
  }

  #take({ type, object }: WatchMessage): void {
    if (type === 'ERROR') {
      if (object.code === 410)
        this.#options.onUnexpected(`${this.#options.name}: the watch is gone: ${object.message}`);
      return;
    }
    const revision = Number(object.metadata.resourceVersion);
    this.#position = Math.max(this.#position, revision);
    if (type === 'BOOKMARK') {
      this.#items.push({ kind: 'bookmark', revision });
      return;
    }
    const value = type === 'DELETED' ? undefined : object.data?.v;
    const key = object.metadata.name;
    this.#items.push({ kind: 'event', revision, key, value, batch: this.#batch++ });
  }

  #finish(): void {
    const { name, prefix, history } = this.#options;
    history.streams.push({ name, prefix, after: this.#after, items: this.#items });
  }
}
