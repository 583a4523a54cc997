import { existsSync, readdirSync } from 'node:fs';
import { findProgram, runProgram } from '../processes.js';

/** What a fault needs of the machine. */
export type Need =
  /** A network namespace a master: packets can be dropped and held up, clients cut off. */
  | 'namespaces'
  /** A file system a master, on a device that can be filled, made read-only, or fail. */
  | 'disks'
  /** Bandwidth or delay of a link can be set. */
  | 'shaping'
  /** The wall clock of one process can be moved. */
  | 'clock';

export interface Capabilities {
  readonly has: ReadonlySet<Need>;
  /** What is left out, why, and how to get it: one line each. */
  readonly missing: readonly string[];
  /** How links are slowed: by delay and loss, or by rate alone where the kernel has no netem. */
  readonly shaping: 'netem' | 'tbf' | undefined;
  /** Path of libfaketime. */
  readonly faketime: string | undefined;
}

const libraries = ['/usr/lib', '/usr/local/lib'];

/** Looks at what this machine allows; starts and changes nothing that stays. */
export async function findCapabilities(options: { readonly loopback: boolean }): Promise<Capabilities> {
  const has = new Set<Need>();
  const missing: string[] = [];
  const root = process.getuid?.() === 0 && !options.loopback;
  const withoutRoot = options.loopback ? 'not on loopback' : 'needs root';
  const offer = (need: Need, without: string | undefined, leavesOut: string): void => {
    if (without === undefined) has.add(need);
    else missing.push(`${leavesOut}: ${without}`);
  };
  const tools = absent(['ip', 'nsenter', 'iptables']);
  const network = !root ? withoutRoot : tools !== undefined ? tools : await namespacesFault();
  offer(
    'namespaces',
    network,
    'faults of the real network (the masters’ own fault injection cuts their links)',
  );
  const disks = absent(['mkfs.ext4', 'e2fsck', 'mount', 'umount', 'fallocate']);
  offer('disks', root ? disks : withoutRoot, 'full, failing and read-only disks');
  const shaping = has.has('namespaces') ? await findShaping() : undefined;
  const noShaping = has.has('namespaces')
    ? 'needs tc and a kernel with netem or tbf'
    : 'needs network namespaces';
  offer('shaping', shaping === undefined ? noShaping : undefined, 'slow links');
  if (shaping === 'tbf')
    missing.push('delay and loss on links: the kernel has no netem; links are slowed by rate');
  const faketime = findFaketime();
  offer('clock', faketime === undefined ? "install Debian's package libfaketime" : undefined, 'clock jumps');
  return { has, missing, shaping, faketime };
}

function absent(programs: readonly string[]): string | undefined {
  const names = programs.filter((name) => findProgram(name) === undefined);
  return names.length === 0 ? undefined : `${names.join(', ')} not on the PATH`;
}

const probe = `trireme-probe-${process.pid}`;

async function inProbe(...command: readonly string[]): Promise<void> {
  await runProgram('ip', ['netns', 'exec', probe, ...command]);
}

async function namespacesFault(): Promise<string | undefined> {
  try {
    await runProgram('ip', ['netns', 'add', probe]);
    await inProbe('iptables', '-w', '-A', 'INPUT', '-s', '192.0.2.1', '-j', 'DROP');
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await removeProbe();
  }
}

async function findShaping(): Promise<'netem' | 'tbf' | undefined> {
  if (findProgram('tc') === undefined) return undefined;
  const disciplines = {
    netem: ['netem', 'delay', '10ms'],
    tbf: ['tbf', 'rate', '1mbit', 'burst', '16kb', 'latency', '100ms'],
  };
  try {
    await runProgram('ip', ['netns', 'add', probe]);
    for (const [name, how] of Object.entries(disciplines)) {
      const set = inProbe('tc', 'qdisc', 'add', 'dev', 'lo', 'root', ...how);
      if (
        await set.then(
          () => true,
          () => false,
        )
      )
        return name as 'netem' | 'tbf';
    }
    return undefined;
  } finally {
    await removeProbe();
  }
}

async function removeProbe(): Promise<void> {
  if (existsSync(`/var/run/netns/${probe}`)) await runProgram('ip', ['netns', 'del', probe]);
}

function findFaketime(): string | undefined {
  const file = 'faketime/libfaketimeMT.so.1';
  const folders = libraries.filter((folder) => existsSync(folder));
  const nested = folders.flatMap((folder) => readdirSync(folder).map((name) => `${folder}/${name}`));
  return [...folders, ...nested].map((folder) => `${folder}/${file}`).find((path) => existsSync(path));
}
