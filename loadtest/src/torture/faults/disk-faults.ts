import { setTimeout as sleep } from 'node:timers/promises';
import { EtcdConnection } from '../clients/etcd-connection.js';
import type { Master } from '../cluster/master.js';
import { type Fault, type FaultContext, indexOf, nothing, peersOf } from './fault.js';
import { expendableRecord, readLog, writeAt } from './log-file.js';

const piece = Buffer.alloc(256 << 10, 'x');
const pieces = 72;

/** Writes more than a log file holds, so that every master has to make a new one. */
async function turnOverLog({ cluster }: FaultContext, around: Master): Promise<void> {
  const asked = cluster.masters.find((master) => master !== around)!;
  const connection = await EtcdConnection.open(asked.etcd, cluster.etcdTls, 2_000);
  try {
    for (let i = 0; i < pieces; i++) {
      // The cluster is in trouble: what matters is that most of it goes through.
      await connection.put('turn-over', piece).catch(() => undefined);
    }
    await connection.delete('turn-over').catch(() => undefined);
  } finally {
    connection.close();
  }
}

export const diskFaults: readonly Fault[] = [
  {
    name: 'full-disk',
    does: 'no space left for a master; then its log needs a new file',
    needs: ['disks'],
    endsMasters: true,
    holdMs: [0, 1_000],
    async inject(context) {
      const { cluster, random } = context;
      const master = random.pick(cluster.masters);
      const disk = cluster.disks![indexOf(cluster, master)]!;
      await disk.fill();
      await turnOverLog(context, master);
      return async () => disk.free();
    },
  },
  {
    name: 'failing-disk',
    does: 'writes to fresh blocks of a master’s disk fail (EIO), its file system goes read-only',
    needs: ['disks'],
    endsMasters: true,
    holdMs: [0, 1_000],
    async inject(context) {
      const { cluster, random } = context;
      const master = random.pick(cluster.masters);
      const disk = cluster.disks![indexOf(cluster, master)]!;
      await disk.fail();
      await turnOverLog(context, master);
      return async () => {
        await master.kill();
        await disk.repair();
      };
    },
  },
  {
    name: 'read-only-disk',
    does: 'kill a master and start it on a read-only file system: it must refuse, and change nothing',
    needs: ['disks'],
    endsMasters: true,
    holdMs: [500, 1_500],
    async inject({ cluster, random }) {
      const master = random.pick(cluster.masters);
      const disk = cluster.disks![indexOf(cluster, master)]!;
      await master.kill();
      await disk.makeReadOnly();
      master.start();
      return async () => {
        await master.kill();
        await disk.makeWritable();
      };
    },
  },
  {
    name: 'torn-tail',
    does: 'kill a master in the middle of a write of its log: half a record stands behind the last one',
    needs: [],
    holdMs: [200, 1_500],
    async inject({ cluster, random }) {
      const master = random.pick(cluster.masters);
      await master.kill();
      const log = readLog(master).at(-1)!;
      const torn = Buffer.alloc(64 + random.below(4_000));
      for (let i = 0; i < torn.length; i++) torn[i] = random.below(256);
      torn.write('TRIW', 'latin1');
      // Sectors of one write reach the disk in any order: some of them did not.
      const sector = 512;
      for (let at = sector; at < torn.length; at += sector) {
        if (random.below(3) === 0) torn.fill(0, at, Math.min(at + sector, torn.length));
      }
      writeAt(log.path, torn, log.end);
      return nothing;
    },
  },
  {
    name: 'cut-tail',
    does: 'cut the leader off, kill it, and cut in half the last record that no other master has',
    needs: ['namespaces'],
    holdMs: [200, 1_500],
    async inject({ cluster, leader, random }) {
      const others = peersOf(cluster, leader);
      await cluster.network!.cut(
        indexOf(cluster, leader),
        others.map(({ address }) => address),
        // It still hears what was under way, and clients still reach it: what they send now stays with it alone.
        'out',
      );
      await sleep(random.between(20, 150));
      await leader.kill();
      const log = readLog(leader).at(-1)!;
      const lost = expendableRecord(log, others);
      if (lost !== undefined) {
        const from = lost.start + 8 * random.below((lost.end - lost.start) / 8);
        writeAt(log.path, Buffer.alloc(lost.end - from), from);
      }
      return async () => cluster.network!.heal();
    },
  },
];
