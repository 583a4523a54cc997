import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { MemberStatus } from '#libs/consensus';
import { type ClusterPki, ensureClusterPki } from '#libs/pki';
import type { Frame, Observation } from '../protocol.js';
import { Collector, type CollectorOptions, type FaultReport } from './collector.js';

let directory: string;
let before: ClusterPki;
let after: ClusterPki;
const open: { close(): unknown }[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'trireme-collector-'));
  const masters = ['m1', 'm2', 'm3'];
  before = await ensureClusterPki(join(directory, 'before'), { masters });
  after = await ensureClusterPki(join(directory, 'after'), { masters });
});
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** The API of another master: tells who it is to those whose certificate its authority has signed. */
async function master(name: string, { masters, ca }: ClusterPki): Promise<string> {
  const { serving } = masters[name]!;
  const server: Server = createServer(
    {
      key: serving.privateKey,
      cert: serving.certificate,
      ca: ca.certificate,
      requestCert: true,
      rejectUnauthorized: true,
    },
    (_, response) => response.end(JSON.stringify({ name })),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({ close: () => server.closeAllConnections() }, server);
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const trustOf = ({ ca, admin }: ClusterPki): ReturnType<CollectorOptions['trust']> => ({
  ca: ca.certificate,
  identity: admin,
});
const member = (name: string): MemberStatus => ({ name, peerUrl: 'https://127.0.0.1:1' }) as MemberStatus;
const own = { name: 'm1', at: 1 } as Observation;

/** Frames of m1, as they come. */
function framesOf(options: Pick<CollectorOptions, 'members' | 'trust'> & Partial<CollectorOptions>): Frame[] {
  const frames: Frame[] = [];
  const collector = new Collector({
    cluster: 'c',
    self: 'm1',
    observe: () => Promise.resolve(own),
    urlOf: ({ peerUrl }) => peerUrl,
    faultReport: undefined,
    onFault: (error) => {
      throw error;
    },
    ...options,
  });
  open.push(collector);
  collector.listen((frame) => frames.push(frame));
  return frames;
}

/** Who is seen in the newest frame, by name. */
const seen = (frames: readonly Frame[]): string[] =>
  (frames.at(-1)?.members ?? [])
    .filter(({ observation, name }) => observation?.name === name)
    .map(({ name }) => name);

async function sees(frames: readonly Frame[], ...names: readonly string[]): Promise<void> {
  await expect.poll(() => seen(frames), { timeout: 20_000 }).toEqual(names);
}

describe('what a dashboard shows', () => {
  it('follows the members of the configuration in force, where the supervisor has put them', async () => {
    let members = [member('m1'), member('m2')];
    let masters: FaultReport['masters'] = [];
    const put = async (name: string): Promise<void> => {
      const apiServer = await master(name, before);
      masters = [...masters.filter((each) => each.name !== name), { name, paused: false, apiServer }];
    };
    await put('m2');
    let away = false;
    const frames = framesOf({
      members: () => members,
      trust: () => trustOf(before),
      faultReport: () =>
        away ? Promise.reject(new Error('no supervisor')) : Promise.resolve({ records: [], masters }),
    });
    await sees(frames, 'm1', 'm2');
    // Added while it runs, and where no file of this master's says.
    await put('m3');
    members = [...members, member('m3')];
    await sees(frames, 'm1', 'm2', 'm3');
    // It stays known while the supervisor is away.
    away = true;
    const { length } = frames;
    await expect.poll(() => frames.length, { timeout: 20_000 }).toBeGreaterThan(length + 2);
    expect(seen(frames)).toEqual(['m1', 'm2', 'm3']);
    away = false;
    members = [member('m1'), member('m3')];
    await sees(frames, 'm1', 'm3');
    // One that was dismissed joins anew elsewhere, under its old name.
    await put('m2');
    members = [...members, member('m2')];
    await sees(frames, 'm1', 'm3', 'm2');
  });

  it('is asked for with the certificates that hold now', async () => {
    let pki = before;
    let url = await master('m2', before);
    const frames = framesOf({
      members: () => [member('m1'), member('m2')],
      trust: () => trustOf(pki),
      urlOf: () => url,
    });
    await sees(frames, 'm1', 'm2');
    // The other one shows its new certificate already, and trusts the new authority alone.
    url = await master('m2', after);
    await sees(frames, 'm1');
    expect(frames.at(-1)?.members[1]?.silence).toMatch(/certificate/);
    pki = after;
    await sees(frames, 'm1', 'm2');
  });
});
