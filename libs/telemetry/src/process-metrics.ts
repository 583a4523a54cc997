import { readFile, readdir } from 'node:fs/promises';
import type { EventLoopMonitor } from './event-loop.js';
import { registerCollected } from './families.js';
import { createRegistry } from './registry.js';
import type { Registry } from './registry.js';

/** What runs here; the labels of kubernetes_build_info. */
export interface BuildInfo {
  /** Of the Kubernetes API that is served, as `major` "1", `minor` "36". */
  readonly major: string;
  readonly minor: string;
  readonly gitVersion: string;
  readonly gitCommit?: string;
  readonly buildDate?: string;
}

export interface ProcessMetricsOptions {
  readonly registry?: Registry;
  /** Without it there is no kubernetes_build_info. */
  readonly build?: BuildInfo;
  /** Without it there is no trireme_event_loop_delay_seconds. */
  readonly eventLoop?: EventLoopMonitor;
}

/**
 * What every component's registry has: process_*, the heap, kubernetes_build_info, event-loop delay.
 * All components of one process show the same process; `component` tells them apart in trireme_component_info.
 * What only Linux tells (descriptors, virtual memory) is left out elsewhere.
 */
export function createProcessMetrics(
  component: string,
  options: ProcessMetricsOptions = {},
): { readonly registry: Registry } {
  const registry = options.registry ?? createRegistry();
  registerProcess(registry);
  const collect = (
    name: string,
    help: string,
    value: () => number | undefined | Promise<number | undefined>,
  ): void =>
    registerCollected({ registry, name, help }, 'gauge', async () => {
      const current = await value();
      return current === undefined ? [] : [{ labels: {}, value: current }];
    });
  collect('process_virtual_memory_bytes', 'Virtual memory of the process.', virtualMemoryBytes);
  collect('process_open_fds', 'Open file descriptors.', openDescriptors);
  collect('process_max_fds', 'Limit of open file descriptors.', maxDescriptors);
  collect('nodejs_heap_size_used_bytes', 'Heap in use.', () => process.memoryUsage().heapUsed);
  collect('nodejs_heap_size_total_bytes', 'Heap reserved.', () => process.memoryUsage().heapTotal);
  collect(
    'nodejs_external_memory_bytes',
    'Buffers outside of the heap.',
    () => process.memoryUsage().external,
  );
  registerInfo(registry, 'trireme_component_info', 'Which component this registry is of.', {
    component,
    node_version: process.version,
  });
  if (options.build !== undefined) registerBuild(registry, options.build);
  options.eventLoop?.register(registry);
  return { registry };
}

function registerProcess(registry: Registry): void {
  const startSeconds = Date.now() / 1000 - process.uptime();
  registerCollected(
    { registry, name: 'process_cpu_seconds_total', help: 'CPU time of the process, all threads.' },
    'counter',
    () => {
      const { user, system } = process.cpuUsage();
      return [{ labels: {}, value: (user + system) / 1e6 }];
    },
  );
  registerCollected(
    { registry, name: 'process_resident_memory_bytes', help: 'Resident memory of the process.' },
    'gauge',
    () => [{ labels: {}, value: process.memoryUsage.rss() }],
  );
  registerCollected(
    { registry, name: 'process_start_time_seconds', help: 'When the process started, since the epoch.' },
    'gauge',
    () => [{ labels: {}, value: startSeconds }],
  );
}

function registerBuild(registry: Registry, build: BuildInfo): void {
  registerInfo(registry, 'kubernetes_build_info', 'Version of the Kubernetes API and of what serves it.', {
    major: build.major,
    minor: build.minor,
    git_version: build.gitVersion,
    git_commit: build.gitCommit ?? '',
    build_date: build.buildDate ?? '',
    compiler: `node ${process.version}`,
    platform: `${process.platform}/${process.arch}`,
  });
}

function registerInfo(registry: Registry, name: string, help: string, labels: Record<string, string>): void {
  registerCollected({ registry, name, help }, 'gauge', () => [{ labels, value: 1 }]);
}

async function openDescriptors(): Promise<number | undefined> {
  const found = await onLinux(() => readdir('/proc/self/fd'));
  // One of them is the reading itself.
  return found && found.length - 1;
}

async function maxDescriptors(): Promise<number | undefined> {
  const limits = await onLinux(() => readFile('/proc/self/limits', 'utf8'));
  const limit = limits && /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return limit ? Number(limit) : undefined;
}

async function virtualMemoryBytes(): Promise<number | undefined> {
  const status = await onLinux(() => readFile('/proc/self/status', 'utf8'));
  const kibibytes = status && /^VmSize:\s+(\d+) kB/m.exec(status)?.[1];
  return kibibytes ? Number(kibibytes) * 1024 : undefined;
}

/** Undefined where there is no /proc. */
async function onLinux<T>(read: () => Promise<T>): Promise<T | undefined> {
  if (process.platform !== 'linux') return undefined;
  return read();
}
