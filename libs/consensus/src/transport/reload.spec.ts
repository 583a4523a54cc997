import { connect } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import type { Replica } from '../replica/port.js';
import { TestCluster, createPeerTls, until } from '../testing/cluster.js';
import type { PeerTls } from './handshake.js';

let cluster: TestCluster;
afterEach(async () => {
  await cluster.destroy();
  expect(cluster.fatals).toEqual([]);
});

const names = ['m1', 'm2', 'm3'];

async function put(key: string): Promise<void> {
  const replica = cluster.get('m2');
  const value = new TextEncoder().encode('x');
  await replica.txn({ compare: [], success: [{ type: 'put', key, value }] });
  const all = [...cluster.replicas.values()];
  await until(`${key} is everywhere`, () => all.every((one) => one.get(key) !== undefined));
}

/** What a server that shows this certificate to a member's peer port is told: its peer's certificate, or an error. */
function dial(name: string, tls: PeerTls): Promise<string> {
  const { host, port } = cluster.members.find((member) => member.name === name)!;
  return new Promise((resolve) => {
    const { ca, certificate: cert, privateKey: key } = tls;
    const socket = connect({ host, port, ca, cert, key, checkServerIdentity: () => undefined });
    socket.on('secureConnect', () => {
      const shown = socket.getPeerX509Certificate()?.fingerprint256 ?? '';
      // A server of TLS 1.3 judges its client after that: it hangs up, or waits for a greeting.
      socket.on('data', () => undefined);
      setTimeout(() => resolve(shown), 300);
    });
    socket.on('error', ({ message }) => resolve(`error ${message}`));
    socket.on('close', () => resolve('closed'));
  });
}

describe('certificates of peers', () => {
  it('are replaced together with their authority while writes go on; what the old one has signed is shut out', async () => {
    cluster = await TestCluster.create(3);
    await cluster.openAll();
    const leader = await cluster.leader();
    const { term } = leader.leadership;
    const old = cluster.tls;
    const next = await createPeerTls(names);
    const reload = (make: (name: string) => PeerTls): void => {
      for (const name of names) cluster.get(name).reloadTls(make(name));
    };
    const of = (tls: ReadonlyMap<string, PeerTls>, name: string): PeerTls => tls.get(name)!;
    const bundle = (name: string): string => `${of(old, name).ca}\n${of(next, name).ca}\n`;

    await put('/before');
    reload((name) => ({ ...of(old, name), ca: bundle(name) }));
    await put('/both-are-trusted');
    expect(await dial('m1', of(old, 'm2'))).not.toMatch(/error|closed/);
    reload((name) => ({ ...of(next, name), ca: bundle(name) }));
    await put('/the-new-one-is-shown');
    // The old is still trusted, so that nobody needs to be at the same step at the same moment.
    expect(await dial('m1', { ...of(old, 'm2'), ca: bundle('m2') })).not.toMatch(/error|closed/);
    expect(leader.leadership).toMatchObject({ isLeader: true, term });

    reload((name) => of(next, name));
    await put('/the-old-one-is-gone');
    expect(await dial('m1', { ...of(old, 'm2'), ca: bundle('m2') })).toMatch(/error|closed/);
    expect(await dial('m1', of(next, 'm2'))).not.toMatch(/error|closed/);

    // Who starts with the new ones finds its peers; who has only the old ones does not.
    const follower = cluster.nameOf(await cluster.follower());
    await cluster.close(follower);
    const back: Replica = await cluster.open(follower, { tls: of(next, follower) });
    await put('/back');
    expect(back.get('/before')).toBeDefined();
  }, 60_000);
});
