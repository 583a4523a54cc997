import type { WatchItem } from '#libs/history';
import { EtcdConnection, prefixEnd, type WatchResponse } from './etcd-connection.js';
import type { EtcdClientOptions } from './etcd-clients.js';
import { pause } from './pacing.js';
import { Silence } from './silence.js';

const timeoutMs = 1_500;

/** Follows every key of the epoch, over as many connections as it takes, and records what it was given. */
export class EtcdWatcher {
  readonly #options: EtcdClientOptions;
  #after: number;
  #items: WatchItem[] = [];
  #position: number;
  #batch = 0;

  constructor(options: EtcdClientOptions, after: number) {
    this.#options = options;
    this.#after = after;
    this.#position = after;
  }

  /** Everything up to here has come. */
  get position(): number {
    return this.#position;
  }

  async run(): Promise<void> {
    const { cluster, placement, signal } = this.#options;
    for (let n = 0; !signal.aborted; n++) {
      if (n > 0) this.#items.push({ kind: 'resume', after: this.#position });
      const master = cluster.masters[placement.master]!;
      const connection = await EtcdConnection.open(master.etcd, cluster.etcdTls, timeoutMs);
      await this.#follow(connection);
      connection.close();
      placement.failed();
      await pause(20, signal);
    }
    this.#finish();
  }

  /** Resolves when the stream has ended, was silent for long, or the epoch is over. */
  async #follow(connection: EtcdConnection): Promise<void> {
    const { prefix, signal } = this.#options;
    await new Promise<void>((resolve) => {
      const stream = connection.watch();
      const asking = setInterval(() => stream.write({ progress_request: {} }), 500);
      const end = (): void => {
        clearInterval(asking);
        silence.stop();
        signal.removeEventListener('abort', end);
        stream.removeAllListeners('data');
        stream.cancel();
        resolve();
      };
      const silence = new Silence(end);
      signal.addEventListener('abort', end, { once: true });
      // However it ends, the next connection goes on from where this one was.
      stream.on('error', end);
      stream.on('end', end);
      stream.on('data', (response: WatchResponse) => {
        silence.broken();
        if (response.canceled === true) {
          if ((response.compact_revision ?? 0) > 0) this.#restartBehind(response.compact_revision ?? 0);
          end();
        } else this.#take(response);
      });
      stream.write({
        create_request: {
          key: Buffer.from(prefix),
          range_end: prefixEnd(prefix),
          start_revision: this.#position + 1,
          progress_notify: true,
        },
      });
    });
  }

  #take(response: WatchResponse): void {
    if (response.created === true) return;
    const { events = [], header } = response;
    const batch = this.#batch++;
    for (const { type, kv } of events) {
      const value = type === 'PUT' ? kv.value.toString() : undefined;
      const revision = kv.mod_revision;
      this.#items.push({ kind: 'event', revision, key: kv.key.toString(), value, batch });
      this.#position = Math.max(this.#position, revision);
    }
    if (events.length > 0) return;
    this.#items.push({ kind: 'bookmark', revision: header.revision });
    this.#position = Math.max(this.#position, header.revision);
  }

  /** What it had not seen is compacted: a new stream begins, and what lies between is owed by none. */
  #restartBehind(revision: number): void {
    this.#finish();
    this.#items = [];
    this.#after = revision;
    this.#position = revision;
  }

  #finish(): void {
    const { name, prefix, history } = this.#options;
    history.streams.push({ name, prefix, after: this.#after, items: this.#items });
  }
}
