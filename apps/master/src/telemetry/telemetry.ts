import type { RequestDone } from '#libs/apiserver';
import { countedTransport, type Transport, type WorkQueueMetrics } from '#libs/client';
import {
  type ApiserverMetrics,
  createApiserverMetrics,
  createEtcdMetrics,
  createEventLoopMonitor,
  createDroppedEventsMetric,
  createEventStoreMetrics,
  createExternalStorageMetrics,
  createFailoverMetrics,
  createLeaderElectionMetrics,
  createProcessMetrics,
  createRegistry,
  createRestClientMetrics,
  createSchedulerMetrics,
  createWorkqueueMetrics,
  type EtcdMetricsSource,
  type EventStoreSource,
  type ExternalStorageSource,
  type FailoverMetrics,
  type FlowLevel,
  type Registry,
  type RequestLabels,
  type RestClientMetrics,
  type SchedulerMetrics,
} from '#libs/telemetry';

export const componentNames = ['apiserver', 'controller-manager', 'scheduler', 'etcd'] as const;
export type ComponentName = (typeof componentNames)[number];

export function isComponent(name: string): name is ComponentName {
  return (componentNames as readonly string[]).includes(name);
}

/** The log of this master, or what it counts of an etcd that stands elsewhere. */
export type StorageSource =
  { readonly consensus: () => EtcdMetricsSource } | { readonly external: () => ExternalStorageSource };

/** What the registries ask of the rooms when they are scraped. Set once the rooms are there. */
export interface TelemetrySources {
  readonly storage: StorageSource;
  /** Undefined where Events are in the storage. */
  readonly events: (() => EventStoreSource) | undefined;
  readonly objectCounts: () => ReadonlyMap<string, number>;
  readonly flow: () => readonly FlowLevel[];
  readonly longRunning: () => Iterable<readonly [RequestLabels, number]>;
}

/** The metrics of one master: a registry a component, as their dashboards expect, and one of all of them. */
export class Telemetry {
  readonly registries: Readonly<Record<ComponentName, Registry>>;
  readonly scheduler: SchedulerMetrics;
  readonly #apiserver: ApiserverMetrics;
  readonly #workqueues: ReturnType<typeof createWorkqueueMetrics>;
  readonly #restClients: Readonly<Record<'controller-manager' | 'scheduler', RestClientMetrics>>;
  readonly #leaderElections: readonly { setLeader(name: string, leads: boolean): void }[];
  /** Counts an event that could not be written. */
  readonly eventDropped: (component: string) => void;
  readonly #failover: FailoverMetrics;
  readonly #eventLoop = createEventLoopMonitor();
  #sources: TelemetrySources | undefined;

  constructor(version: string) {
    const build = { major: '1', minor: '36', gitVersion: `v1.36.0+trireme.${version}` };
    const registryOf = (component: ComponentName): Registry => {
      const registry = createRegistry();
      createProcessMetrics(component, { registry, build, eventLoop: this.#eventLoop });
      return registry;
    };
    this.registries = {
      apiserver: registryOf('apiserver'),
      'controller-manager': registryOf('controller-manager'),
      scheduler: registryOf('scheduler'),
      etcd: registryOf('etcd'),
    };
    const { registries } = this;
    this.#apiserver = createApiserverMetrics({
      registry: registries.apiserver,
      storageObjects: () => this.#sources?.objectCounts() ?? [],
      flow: () => this.#sources?.flow() ?? [],
      longRunning: () => this.#sources?.longRunning() ?? [],
    });
    this.eventDropped = createDroppedEventsMetric(registries['controller-manager']);
    this.#failover = createFailoverMetrics(registries.etcd);
    this.#workqueues = createWorkqueueMetrics(registries['controller-manager']);
    this.scheduler = createSchedulerMetrics(registries.scheduler);
    this.#restClients = {
      'controller-manager': createRestClientMetrics(registries['controller-manager']),
      scheduler: createRestClientMetrics(registries.scheduler),
    };
    this.#leaderElections = [registries['controller-manager'], registries.scheduler].map(
      createLeaderElectionMetrics,
    );
    this.#setLeader(false);
  }

  /** To be called before the first scrape. */
  observe(sources: TelemetrySources): void {
    this.#sources = sources;
    const { storage, events } = sources;
    if (events !== undefined) createEventStoreMetrics(events, this.registries.apiserver);
    // An etcd elsewhere tells its own metrics: under those names there is nothing here then.
    if ('consensus' in storage) createEtcdMetrics(storage.consensus, this.registries.etcd);
    else createExternalStorageMetrics(storage.external, this.registries.apiserver);
  }

  requestDone(done: RequestDone): void {
    this.#apiserver.requestDone(done);
    if (done.terminated) this.#apiserver.requestTerminated(done, done.code);
  }

  requestTimedOut(kind: RequestLabels): void {
    this.#apiserver.requestTerminated(kind, 504);
  }

  clientCertificateSeen(expiresAtMs: number): void {
    this.#apiserver.clientCertificateExpiresIn((expiresAtMs - Date.now()) / 1_000);
  }

  workQueue(name: string): WorkQueueMetrics {
    return this.#workqueues.queue(name);
  }

  leadershipChanged({ isLeader, leader }: { readonly isLeader: boolean; readonly leader?: string }): void {
    this.#failover.leaderKnown(leader !== undefined, performance.now());
    this.#setLeader(isLeader);
  }

  #setLeader(leads: boolean): void {
    const [controllers, scheduler] = this.#leaderElections;
    controllers?.setLeader('kube-controller-manager', leads);
    scheduler?.setLeader('kube-scheduler', leads);
  }

  /** Counts the requests that a component sends into its own replica's API. */
  counted(component: 'controller-manager' | 'scheduler', transport: Transport): Transport {
    const metrics = this.#restClients[component];
    return countedTransport(transport, (outcome) => metrics.requestDone({ host: 'in-process', ...outcome }));
  }

  /** Prometheus' text of one component, or of all of them with what they share told once. */
  async exposition(
    component?: ComponentName,
  ): Promise<{ readonly contentType: string; readonly text: string }> {
    for (const { priorityLevel, executing } of this.#requireSources().flow())
      this.#apiserver[priorityLevel === 'mutating' ? 'inflightMutating' : 'inflightReadOnly'].set(executing);
    const registry = component === undefined ? this.#merged() : this.registries[component];
    return { contentType: registry.contentType, text: await registry.metrics() };
  }

  close(): void {
    this.#eventLoop.close();
  }

  #merged(): Registry {
    const all = createRegistry();
    for (const registry of Object.values(this.registries)) {
      for (const { name } of registry.getMetricsAsArray()) {
        const metric = registry.getSingleMetric(name);
        if (metric !== undefined && all.getSingleMetric(name) === undefined) all.registerMetric(metric);
      }
    }
    return all;
  }

  #requireSources(): TelemetrySources {
    if (this.#sources === undefined) throw new Error('scraped before the master was wired');
    return this.#sources;
  }
}
