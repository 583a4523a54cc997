import { existsSync, readdirSync } from 'node:fs';
import { runProgram } from '../../processes.js';

/** Which packets of a master are lost: those it sends, those it should receive, or both. */
export type Direction = 'both' | 'in' | 'out';

export interface Network {
  /** Where a master listens. */
  readonly addresses: readonly string[];
  /** What a program of this master is started by. */
  readonly enter: (master: number) => readonly string[];
  /** Drops what passes between a master and these addresses. */
  readonly cut: (master: number, from: readonly string[], direction: Direction) => Promise<void>;
  /** Clients' own address. */
  readonly clients: string;
  readonly slow: (master: number, shaping: 'netem' | 'tbf') => Promise<void>;
  /** Undoes every cut and every slowing. */
  readonly heal: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

const prefix = 'trireme-torture-';

/** Removes the namespaces and bridges of runs that were killed. */
async function removeLeftovers(): Promise<void> {
  for (const name of existsSync('/var/run/netns') ? readdirSync('/var/run/netns') : []) {
    const pid = new RegExp(`^${prefix}(\\d+)-\\d+$`).exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    await runProgram('ip', ['netns', 'del', name]);
    const bridge = `ttb${pid}`;
    if (existsSync(`/sys/class/net/${bridge}`)) await runProgram('ip', ['link', 'del', bridge]);
  }
}

/** A namespace a master, joined by a bridge that the clients sit on. */
export async function createNetwork(masters: number): Promise<Network> {
  await removeLeftovers();
  const bridge = `ttb${process.pid}`;
  const subnet = `10.231.${process.pid % 256}`;
  const clients = `${subnet}.254`;
  const namespaces = Array.from({ length: masters }, (_, i) => `${prefix}${process.pid}-${i + 1}`);
  const addresses = namespaces.map((_, i) => `${subnet}.${i + 1}`);
  const within = async (master: number, ...command: readonly string[]): Promise<string> =>
    runProgram('ip', ['netns', 'exec', namespaces[master]!, ...command]);
  const shaped = new Set<number>();
  const remove = async (): Promise<void> => {
    for (const name of namespaces) {
      if (existsSync(`/var/run/netns/${name}`)) await runProgram('ip', ['netns', 'del', name]);
    }
    if (existsSync(`/sys/class/net/${bridge}`)) await runProgram('ip', ['link', 'del', bridge]);
  };
  try {
    await runProgram('ip', ['link', 'add', bridge, 'type', 'bridge']);
    await runProgram('ip', ['addr', 'add', `${clients}/24`, 'dev', bridge]);
    await runProgram('ip', ['link', 'set', bridge, 'up']);
    for (const [i, name] of namespaces.entries()) {
      const outside = `ttv${process.pid}-${i}`;
      await runProgram('ip', ['netns', 'add', name]);
      const pair = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', name];
      await runProgram('ip', ['link', 'add', outside, ...pair]);
      await runProgram('ip', ['link', 'set', outside, 'master', bridge, 'up']);
      await within(i, 'ip', 'addr', 'add', `${addresses[i]}/24`, 'dev', 'eth0');
      await within(i, 'ip', 'link', 'set', 'eth0', 'up');
      await within(i, 'ip', 'link', 'set', 'lo', 'up');
    }
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    addresses,
    clients,
    // Not by ip: it would give the program a copy of all mounts, and keep file systems alive that are unmounted here.
    enter: (master) => ['nsenter', `--net=/var/run/netns/${namespaces[master]!}`],
    async cut(master, from, direction) {
      for (const address of from) {
        if (direction !== 'out')
          await within(master, 'iptables', '-w', '-A', 'INPUT', '-s', address, '-j', 'DROP');
        if (direction !== 'in')
          await within(master, 'iptables', '-w', '-A', 'OUTPUT', '-d', address, '-j', 'DROP');
      }
    },
    async slow(master, shaping) {
      const how = {
        netem: ['netem', 'delay', '60ms', '40ms', 'loss', '3%'],
        tbf: ['tbf', 'rate', '512kbit', 'burst', '8kb', 'latency', '300ms'],
      };
      await within(master, 'tc', 'qdisc', 'replace', 'dev', 'eth0', 'root', ...how[shaping]);
      shaped.add(master);
    },
    async heal() {
      for (const i of namespaces.keys()) await within(i, 'iptables', '-w', '-F');
      for (const i of shaped) await within(i, 'tc', 'qdisc', 'del', 'dev', 'eth0', 'root');
      shaped.clear();
    },
    remove,
  };
}
