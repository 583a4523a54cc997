import { setMaxListeners } from 'node:events';
import type { KubernetesObject } from '#libs/apimachinery';
import type { Client, ResourceRef } from './client.js';
import type { Clock } from './clock.js';
import { createInformer, type Informer, type InformerOptions } from './informer.js';

export interface InformerFactoryOptions {
  readonly client: Client;
  readonly clock?: Clock;
  readonly initial?: InformerOptions<KubernetesObject>['initial'];
  readonly onError?: (error: unknown, ref: ResourceRef) => void;
}

/** One informer a resource, shared by all who ask for it. */
export interface InformerFactory {
  /** The shared informer of a resource over all namespaces; started at once where the factory runs already. */
  informer<T extends KubernetesObject>(ref: ResourceRef<T>): Informer<T>;
  /** Starts what was asked for, and what will be. All end when `signal` aborts. */
  start(signal: AbortSignal): void;
  /** Resolves when every informer asked for so far has synced; rejects when `signal` aborts. */
  synced(signal?: AbortSignal): Promise<void>;
}

export function createInformerFactory(options: InformerFactoryOptions): InformerFactory {
  const informers = new Map<string, Informer<KubernetesObject>>();
  let running: AbortSignal | undefined;
  return {
    informer<T extends KubernetesObject>(ref: ResourceRef<T>): Informer<T> {
      const key = `${ref.group}/${ref.version}/${ref.resource}`;
      let informer = informers.get(key) as Informer<T> | undefined;
      if (informer === undefined) {
        const { client, clock, initial, onError } = options;
        informer = createInformer<T>({
          client: client.resource(ref),
          ...(clock === undefined ? {} : { clock }),
          ...(initial === undefined ? {} : { initial }),
          ...(onError === undefined ? {} : { onError: (error: unknown) => onError(error, ref) }),
        });
        informers.set(key, informer as unknown as Informer<KubernetesObject>);
        if (running !== undefined) void informer.start(running);
      }
      return informer;
    },
    start(signal) {
      running ??= signal;
      setMaxListeners(0, running); // one for each informer
      for (const informer of informers.values()) void informer.start(running);
    },
    async synced(signal) {
      await Promise.all([...informers.values()].map((informer) => informer.synced(signal)));
    },
  };
}
