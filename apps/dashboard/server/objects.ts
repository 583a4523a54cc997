import { ApiError } from '#libs/apimachinery';
import type { Transport } from '#libs/client';
import type { ObjectsFrame, WorkloadRow } from '../protocol.js';
import { EventsTail } from './events-tail.js';

/** What is counted object by object is counted up to here: a page that is watched must not weigh on the masters. */
const nodesMax = 1_000;
const podsMax = 2_000;
const workloadsMax = 300;
const workloadsShown = 24;

interface List<T> {
  readonly metadata: { readonly remainingItemCount?: number };
  readonly items: readonly T[];
}

interface Named {
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

interface NodeObject extends Named {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

interface PodObject extends Named {
  readonly metadata: Named['metadata'] & { readonly deletionTimestamp?: string };
  readonly status?: { readonly phase?: string };
}

interface WorkloadObject extends Named {
  readonly spec?: { readonly replicas?: number; readonly completions?: number };
  readonly status?: {
    readonly readyReplicas?: number;
    readonly numberReady?: number;
    readonly desiredNumberScheduled?: number;
    readonly succeeded?: number;
  };
}

/** How many of a workload are ready, of how many that are wanted. */
const workloadKinds: readonly {
  readonly kind: string;
  readonly path: string;
  readonly count: (object: WorkloadObject) => Pick<WorkloadRow, 'ready' | 'wanted'>;
}[] = [
  {
    kind: 'Deployment',
    path: '/apis/apps/v1/deployments',
    count: ({ spec, status }) => ({ ready: status?.readyReplicas ?? 0, wanted: spec?.replicas ?? 1 }),
  },
  {
    kind: 'StatefulSet',
    path: '/apis/apps/v1/statefulsets',
    count: ({ spec, status }) => ({ ready: status?.readyReplicas ?? 0, wanted: spec?.replicas ?? 1 }),
  },
  {
    kind: 'DaemonSet',
    path: '/apis/apps/v1/daemonsets',
    count: ({ status }) => ({
      ready: status?.numberReady ?? 0,
      wanted: status?.desiredNumberScheduled ?? 0,
    }),
  },
  {
    kind: 'Job',
    path: '/apis/batch/v1/jobs',
    count: ({ spec, status }) => ({ ready: status?.succeeded ?? 0, wanted: spec?.completions ?? 1 }),
  },
];

/**
 * Counts nodes, pods, workloads and Events through this master's own API, from its memory, with the rights of the user who
 * watches: what may not be listed says so.
 */
export class ObjectsReader {
  readonly #transport: Transport;
  readonly #events: EventsTail;

  constructor(transport: Transport) {
    this.#transport = transport;
    this.#events = new EventsTail(transport);
  }

  async read(): Promise<ObjectsFrame> {
    const [nodes, pods, workloads, events] = await Promise.all([
      part(() => this.#nodes()),
      part(() => this.#pods()),
      part(() => this.#workloads()),
      part(() => this.#events.read()),
    ]);
    return { nodes, pods, workloads, events };
  }

  close(): void {
    this.#events.close();
  }

  async #nodes(): Promise<ObjectsFrame['nodes']> {
    const { items, more } = await this.#list<NodeObject>('/api/v1/nodes', nodesMax);
    if (more > 0) return tooMany(items.length + more, nodesMax, 'nodes');
    const isReady = ({ status }: NodeObject): boolean =>
      status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true;
    return { ready: items.filter(isReady).length, total: items.length };
  }

  async #pods(): Promise<ObjectsFrame['pods']> {
    const { items, more } = await this.#list<PodObject>('/api/v1/pods', podsMax);
    if (more > 0) return tooMany(items.length + more, podsMax, 'pods');
    const phases: Record<string, number> = {};
    for (const { metadata, status } of items) {
      const phase = metadata.deletionTimestamp === undefined ? (status?.phase ?? 'Unknown') : 'Terminating';
      phases[phase] = (phases[phase] ?? 0) + 1;
    }
    return { phases, total: items.length };
  }

  async #workloads(): Promise<ObjectsFrame['workloads']> {
    let total = 0;
    const lists = await Promise.all(
      workloadKinds.map(async ({ kind, path, count }) => {
        const { items, more } = await this.#list<WorkloadObject>(path, workloadsMax);
        total += items.length + more;
        return items.map((item) => ({
          kind,
          namespace: item.metadata.namespace ?? '',
          name: item.metadata.name,
          ...count(item),
        }));
      }),
    );
    // What is not as wanted comes first.
    const rows = lists.flat().sort((a, b) => Number(a.ready >= a.wanted) - Number(b.ready >= b.wanted));
    return { rows: rows.slice(0, workloadsShown), total };
  }

  async #list<T>(path: string, limit: number): Promise<{ items: readonly T[]; more: number }> {
    const { body } = await this.#transport.request({
      method: 'GET',
      path,
      // From this replica's memory, whoever leads: the page is for the times when nobody does.
      query: { limit: String(limit), resourceVersion: '0' },
    });
    const { items, metadata } = body as List<T>;
    return { items, more: metadata.remainingItemCount ?? 0 };
  }
}

function tooMany(count: number, max: number, what: string): { readonly missing: string } {
  return { missing: `${count} ${what}: only up to ${max} are looked at one by one` };
}

async function part<T>(read: () => Promise<T>): Promise<T | { readonly missing: string }> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { missing: error.code === 403 ? 'you may not list these' : error.message };
  }
}
