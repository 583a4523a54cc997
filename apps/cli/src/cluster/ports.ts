import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { UserError } from '../ui/errors.js';
import type { MasterState } from './state.js';

/** Distance of each kind of port from the balancer's, so that a person can guess them. */
const offsets = { api: 1, peer: 21, etcdMetrics: 41, controllerManager: 61, scheduler: 81 } as const;

const portsPerMaster = Object.keys(offsets) as (keyof typeof offsets)[];

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

const nodesOffset = 101;

/** Below what systems hand out to outgoing connections, which could take a port between two starts of a master. */
const anyRange = { first: 12_000, last: 31_999 } as const;

/**
 * Ports that are taken together stand in one of these. Starts that overlap then share none of their ports or all of
 * them, and who gets the first one (`holdPort`) has the others as well.
 */
const blockSize = 80;

async function freeBlock(count: number): Promise<number[]> {
  const blocks = Math.floor((anyRange.last + 1 - anyRange.first) / blockSize);
  const start = randomInt(blocks);
  for (let i = 0; i < blocks; i++) {
    const first = anyRange.first + ((start + i) % blocks) * blockSize;
    const ports = Array.from({ length: count }, (_, at) => first + at);
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return ports;
  }
  throw new UserError(
    `no ${count} ports in a row are free on 127.0.0.1 from ${anyRange.first} to ${anyRange.last}`,
    'end clusters that are not needed any more',
  );
}

/**
 * Listens there before somebody is there to answer: from the choice of a cluster's ports until its balancer runs, no
 * other start can choose the same ones. Who comes early is cut off. Undefined when the port is taken.
 */
export async function holdPort(port: number): Promise<Server | undefined> {
  const server = createServer({ noDelay: true, pauseOnConnect: true }, (early) => early.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(server));
  });
}

async function anyFree(count: number): Promise<number[]> {
  const found = new Set<number>();
  while (found.size < count) {
    const port = randomInt(anyRange.first, anyRange.last + 1);
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  return [...found];
}

/**
 * Ports for a balancer and its masters. `port` 0 takes any free ones; otherwise they stand at fixed distances from
 * `port`, and one that is busy is an error that names it.
 */
export async function allocatePorts(
  port: number,
  voters: number,
  observers = 0,
): Promise<{ port: number; nodesPort: number; masters: MasterState[] }> {
  const masters = voters + observers;
  const total = 2 + masters * portsPerMaster.length;
  const numbers =
    port === 0
      ? await freeBlock(total)
      : [
          port,
          port + nodesOffset,
          ...Array.from({ length: masters }, (_, i) =>
            portsPerMaster.map((kind) => port + offsets[kind] + i),
          ).flat(),
        ];
  if (port !== 0) await requireFree(numbers, port);
  const [balancer, nodesPort, ...rest] = numbers as [number, number, ...number[]];
  return {
    port: balancer,
    nodesPort,
    masters: Array.from({ length: masters }, (_, i) => {
      const at = (kind: number): number => rest[i * portsPerMaster.length + kind] as number;
      return {
        name: i < voters ? `master-${i + 1}` : `observer-${i + 1 - voters}`,
        id: i + 1,
        ...(i < voters ? {} : { observer: true }),
        apiPort: at(0),
        peerPort: at(1),
        etcdMetricsPort: at(2),
        controllerManagerPort: at(3),
        schedulerPort: at(4),
      };
    }),
  };
}

/** Any free ports for one more master. */
export async function anyPorts(): Promise<
  Pick<MasterState, 'apiPort' | 'peerPort' | 'etcdMetricsPort' | 'controllerManagerPort' | 'schedulerPort'>
> {
  const [apiPort = 0, peerPort = 0, etcdMetricsPort = 0, controllerManagerPort = 0, schedulerPort = 0] =
    await anyFree(portsPerMaster.length);
  return { apiPort, peerPort, etcdMetricsPort, controllerManagerPort, schedulerPort };
}

/** Refuses with the busy port's number. */
export async function requireFree(ports: readonly number[], base: number): Promise<void> {
  const free = await Promise.all(ports.map(isFree));
  const busy = ports.filter((_, i) => !free[i]);
  if (busy.length === 0) return;
  const named = busy.sort((a, b) => a - b).join(', ');
  throw new UserError(
    `${busy.length === 1 ? `port ${named} on 127.0.0.1 is` : `ports ${named} on 127.0.0.1 are`} in use by another process`,
    `free them, or choose another base with --port: this cluster wants ${base} and ports up to ${Math.max(...ports)} (--port 0 takes any free ones)`,
  );
}

/**
 * Ports for the masters' etcd services: `port` and those behind it, or free ones for 0. Busy ones are an error that
 * names them.
 */
export async function allocateEtcdPorts(port: number, masters: number): Promise<number[]> {
  if (port === 0) return anyFree(masters);
  const ports = Array.from({ length: masters }, (_, i) => port + i);
  const free = await Promise.all(ports.map(isFree));
  const busy = ports.filter((_, i) => !free[i]);
  if (busy.length === 0) return ports;
  throw new UserError(
    `${busy.length === 1 ? 'port' : 'ports'} ${busy.join(', ')} on 127.0.0.1 ${busy.length === 1 ? 'is' : 'are'} in use by another process`,
    `free them, or choose others with --etcd-listen: it wants ${port} to ${port + masters - 1} (port 0 takes any free ones)`,
  );
}

export function portsOf(state: {
  readonly port: number;
  readonly nodesPort?: number;
  readonly masters: readonly MasterState[];
}): number[] {
  return [
    state.port,
    ...(state.nodesPort === undefined ? [] : [state.nodesPort]),
    ...state.masters.flatMap((m) => [
      m.apiPort,
      m.peerPort,
      m.etcdMetricsPort,
      m.controllerManagerPort,
      m.schedulerPort,
    ]),
  ];
}
