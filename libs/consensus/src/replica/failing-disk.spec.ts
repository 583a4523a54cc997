import { MessageChannel } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { createRaft } from '#libs/raft';
import { lockDirectory } from '../data-dir/directory-lock.js';
import { nodeDisk } from '../environment/disk.js';
import type { Disk } from '../environment/disk.js';
import { nodeEnvironment } from '../environment/environment.js';
import { TestCluster, until } from '../testing/cluster.js';
import type { ThreadParts } from '../thread/parts.js';
import { loadConsensusThread } from '../thread/launch.js';
import type { LaunchedThread } from '../thread/launch.js';
import { PeerNetwork } from '../transport/peer-network.js';
import { openReplica } from './open-replica.js';
import type { ReplicaHost } from './open-replica.js';
import type { Replica } from './port.js';

let cluster: TestCluster;
afterEach(async () => {
  await cluster.destroy();
});

const put = (replica: Replica, key: string, bytes = 200): Promise<unknown> =>
  replica.txn({ compare: [], success: [{ type: 'put', key, value: new Uint8Array(bytes) }] });

type Fault = 'ENOSPC' | 'EIO' | 'EROFS';

/** A disk on which, from some moment on, writing fails, or syncing, or making new files; reading goes on. */
class FailingDisk {
  writes: Fault | undefined;
  newFiles: Fault | undefined;
  syncs: Fault | undefined;
  freeBytes = 2 ** 40;

  readonly disk: Disk = {
    ...nodeDisk,
    openSync: (path, flags, mode) => {
      if (flags === 'w') this.#check('newFiles', 'open');
      return nodeDisk.openSync(path, flags, mode);
    },
    fsyncSync: (fd) => {
      this.#check('syncs', 'fsync');
      nodeDisk.fsyncSync(fd);
    },
    writeSync: (fd, bytes, offset, length, position) => {
      this.#check('writes', 'write');
      return nodeDisk.writeSync(fd, bytes, offset, length, position);
    },
    write: (fd, bytes, offset, length, position, done) => {
      const error = this.#error('writes', 'write');
      if (error === undefined) nodeDisk.write(fd, bytes, offset, length, position, done);
      else setImmediate(() => done(error, 0));
    },
    promises: {
      rename: (from, to) => nodeDisk.promises.rename(from, to),
      unlink: (path) => nodeDisk.promises.unlink(path),
      statfs: () => Promise.resolve({ bavail: this.freeBytes / 4096, bsize: 4096 }),
      open: async (path, flags, mode) => {
        if (flags === 'w') this.#check('newFiles', 'open');
        const file = await nodeDisk.promises.open(path, flags, mode);
        return {
          close: () => file.close(),
          sync: async () => {
            this.#check('syncs', 'fsync');
            await file.sync();
          },
          write: async (...args) => {
            this.#check('writes', 'write');
            return file.write(...args);
          },
        };
      },
    },
  };

  #error(what: 'writes' | 'newFiles' | 'syncs', syscall: string): NodeJS.ErrnoException | undefined {
    const code = this[what];
    return code === undefined
      ? undefined
      : Object.assign(new Error(`${code}: ${syscall}`), { code, syscall });
  }

  #check(what: 'writes' | 'newFiles' | 'syncs', syscall: string): void {
    const error = this.#error(what, syscall);
    if (error !== undefined) throw error;
  }

  get host(): ReplicaHost {
    return {
      ...nodeEnvironment,
      disk: this.disk,
      lock: lockDirectory,
      launch: (options, onExit) => {
        const { port1, port2 } = new MessageChannel();
        const parts: ThreadParts = {
          ...nodeEnvironment,
          disk: this.disk,
          createRaft,
          createTransport: (network, events) => new PeerNetwork(network, events),
        };
        loadConsensusThread().then((start) => start(port2 as never, options, parts), onExit);
        return {
          port: port1 as unknown as LaunchedThread['port'],
          end: () => {
            port1.close();
            return Promise.resolve();
          },
        };
      },
    };
  }
}

async function openOn(disk: FailingDisk, name: string, overrides = {}): Promise<Replica> {
  const replica = await openReplica(cluster.options(name, overrides), disk.host);
  cluster.replicas.set(name, replica);
  return replica;
}

describe('a disk that fails', () => {
  it.each<[string, Fault, Partial<Record<'writes' | 'newFiles' | 'syncs', Fault>>]>([
    ['is full', 'ENOSPC', { writes: 'ENOSPC', newFiles: 'ENOSPC' }],
    ['breaks on write', 'EIO', { writes: 'EIO' }],
    ['is mounted read-only', 'EROFS', { writes: 'EROFS', newFiles: 'EROFS', syncs: 'EROFS' }],
  ])(
    'because it %s stops its replica, the others go on, and it comes back with all it had promised',
    async (_, code, faults) => {
      cluster = await TestCluster.create(3);
      const disk = new FailingDisk();
      await Promise.all([openOn(disk, 'm1'), cluster.open('m2'), cluster.open('m3')]);
      await cluster.leader();
      const other = cluster.get('m2');
      for (let i = 0; i < 20; i++) await put(other, `/before/${i}`);
      Object.assign(disk, faults);
      await until('it has stopped', () => {
        void put(other, '/during').catch(() => undefined);
        return cluster.fatals.length > 0;
      });
      expect(cluster.fatals).toHaveLength(1);
      expect(cluster.fatals[0]?.message).toMatch(
        new RegExp(`could not be made durable: ${code}.*check the disk`),
      );
      cluster.replicas.delete('m1');
      await put(other, '/after');

      Object.assign(disk, { writes: undefined, newFiles: undefined, syncs: undefined });
      const back = await openOn(disk, 'm1');
      await until('it has caught up', () => back.get('/after') !== undefined);
      expect(back.range({ start: '/before/', end: '/before0' }).keyValues).toHaveLength(20);
    },
    60_000,
  );

  it('by injection is full from the moment the call resolves: the next write stops the replica', async () => {
    cluster = await TestCluster.create(3, { diskFault: {} });
    await Promise.all(['m1', 'm2', 'm3'].map((name) => cluster.open(name)));
    const leader = await cluster.leader();
    const follower = [...cluster.replicas].find(([, replica]) => replica !== leader)![1];
    await put(leader, '/before');
    await follower.diskFault({ full: true });
    expect(cluster.fatals).toEqual([]);
    await put(leader, '/with the other two');
    await until('it has stopped', () => cluster.fatals.length > 0);
    expect(cluster.fatals[0]?.message).toContain('ENOSPC');
    await expect(follower.diskFault({})).rejects.toThrow('stopping');
    cluster.replicas.delete(cluster.nameOf(follower));
  }, 60_000);

  it('without room for new files goes on in the present one, says so, and loses nothing when there is room again', async () => {
    cluster = await TestCluster.create(1, { segmentBytes: 1 << 20 });
    const disk = new FailingDisk();
    const only = await openOn(disk, 'm1');
    await cluster.leader();
    disk.newFiles = 'ENOSPC';
    for (let i = 0; i < 9; i++) await put(only, `/k/${i}`, 90_000);
    await until('it is said', () =>
      cluster.warnings.some((text) => text.includes("no room for the log's next file")),
    );
    disk.newFiles = undefined;
    for (let i = 9; i < 30; i++) await put(only, `/k/${i}`, 90_000);
    expect(cluster.fatals).toEqual([]);
    await cluster.close('m1');
    const again = await cluster.open('m1');
    await cluster.leader();
    expect(again.range({ start: '/k/', end: '/k0' }).keyValues).toHaveLength(30);
  }, 60_000);

  it('under a snapshot leaves none behind, says so, and the next one is written', async () => {
    cluster = await TestCluster.create(1, { snapshotEntries: 20 });
    const disk = new FailingDisk();
    const only = await openOn(disk, 'm1');
    await cluster.leader();
    disk.syncs = 'EIO';
    for (let i = 0; i < 25; i++) await put(only, `/k/${i}`);
    await until('it is said', () =>
      cluster.warnings.some((text) => text.includes('a snapshot could not be written')),
    );
    disk.syncs = undefined;
    const before = only.metrics().snapshotSeconds.count;
    for (let i = 0; i < 50; i++) await put(only, `/k/${i}`);
    await until('one is written', () => only.metrics().snapshotSeconds.count > before);
    expect(cluster.fatals).toEqual([]);
  }, 60_000);
});

describe('a disk that is nearly full', () => {
  it('gives leadership away; only when it is so for most are puts refused, and deletes never', async () => {
    cluster = await TestCluster.create(3);
    const disks = new Map(['m1', 'm2', 'm3'].map((name) => [name, new FailingDisk()]));
    await Promise.all([...disks].map(([name, disk]) => openOn(disk, name)));
    const first = cluster.nameOf(await cluster.leader());
    await put(cluster.get(first), '/a');
    disks.get(first)!.freeBytes = 2 ** 20;
    await until('another leads', () =>
      [...cluster.replicas].some(([name, { leadership }]) => leadership.isLeader && name !== first),
    );
    const leader = await cluster.leader();
    expect(leader.status().alarms).toEqual([expect.objectContaining({ type: 'lowDisk', member: first })]);
    await put(leader, '/b');

    disks.get(cluster.nameOf(leader))!.freeBytes = 2 ** 20;
    await until('most are low', () => leader.status().alarms.length === 2);
    const last = [...cluster.replicas.values()].find((one) =>
      one.status().alarms.every(({ member }) => member !== cluster.nameOf(one)),
    )!;
    await until('the third knows', () => last.status().alarms.length === 2);
    await expect(put(last, '/c')).rejects.toThrow('the disks of 2 masters are nearly full');
    await last.txn({ compare: [], success: [{ type: 'delete', key: '/a' }] });
    expect(last.metrics().diskFreeBytes).toBe(2 ** 40);

    for (const disk of disks.values()) disk.freeBytes = 2 ** 40;
    await until('it is over', () => last.status().alarms.length === 0);
    await put(last, '/c');
    expect(cluster.fatals).toEqual([]);
  }, 60_000);
});
