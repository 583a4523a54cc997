import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Latencies } from '../stats.js';
import type { StoreWork, StoreWorked } from './store-client.js';

export interface StoreFigures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Runs clients of an etcd in a process of their own. Throws when any request failed: such figures mean nothing. */
export async function loadStore(work: StoreWork): Promise<StoreFigures> {
  const child = fork(fileURLToPath(new URL('./store-client.js', import.meta.url)), {
    serialization: 'advanced',
  });
  try {
    const worked = await new Promise<StoreWorked>((resolve, reject) => {
      child.once('message', resolve);
      child.once('error', reject);
      child.once('exit', (code, signal) =>
        reject(new Error(`the client process ended with ${code ?? signal}`)),
      );
      child.send(work);
    });
    if ('failed' in worked) throw new Error(worked.failed);
    if (worked.errors > 0) throw new Error(`${worked.errors} requests failed, first: ${worked.firstError}`);
    const latencies = new Latencies();
    for (const latency of worked.latenciesMs) latencies.record(latency);
    const { p50, p99 } = latencies.summary();
    return { perSecond: worked.latenciesMs.length / work.seconds, p50Ms: p50, p99Ms: p99 };
  } finally {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  }
}
