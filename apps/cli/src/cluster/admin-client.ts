import type { IncomingMessage } from 'node:http';
import { createWriteStream } from 'node:fs';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { VerifiedBackup } from '#libs/consensus';
import { UserError } from '../ui/errors.js';
import type { ClusterState, MasterState } from './state.js';

export interface AlarmReport {
  readonly type: 'noSpace' | 'corrupt' | 'lowDisk';
  readonly member: string;
}

/** One replica's own view, as `GET /trireme/v1/status` answers it. */
export interface ReplicaReport {
  /** Of the product; masters of before did not tell it. */
  readonly version?: string;
  readonly name: string;
  readonly memberId: number;
  readonly role: 'leader' | 'follower' | 'learner' | 'observer';
  readonly term: number;
  readonly leader?: string;
  readonly quorum: boolean;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly sizeBytes: number;
  readonly quotaBytes: number;
  readonly alarms: readonly AlarmReport[];
  readonly ready: boolean;
}

/** One member, as `GET /trireme/v1/members` answers it. */
export interface MemberRecord {
  readonly id: number;
  readonly name: string;
  readonly role: 'voter' | 'learner' | 'observer';
  readonly host: string;
  readonly port: number;
}

/** A master that sends nothing of a snapshot for so long has hung up in all but name. */
const silenceMs = 30_000;

/** Talks to single masters with the cluster's administrator certificate. */
export class AdminClient {
  readonly #tls: { ca: string; cert: string; key: string };

  private constructor(tls: { ca: string; cert: string; key: string }) {
    this.#tls = tls;
  }

  static async open(state: ClusterState): Promise<AdminClient> {
    const read = async (name: string): Promise<string> => readFile(join(state.dataDir, 'pki', name), 'utf8');
    try {
      const [ca, cert, key] = await Promise.all([read('ca.crt'), read('admin.crt'), read('admin.key')]);
      return new AdminClient({ ca, cert, key });
    } catch (error) {
      throw new UserError(
        `cannot read the cluster's certificates: ${(error as Error).message}`,
        'was the data directory removed? `trireme reset` and `trireme up` make a new cluster',
      );
    }
  }

  /** Undefined when the replica cannot be reached within the time. */
  async report(master: MasterState, timeoutMs = 2_000): Promise<ReplicaReport | undefined> {
    try {
      const { status, body } = await this.#call(master, 'GET', '/trireme/v1/status', undefined, timeoutMs);
      return status === 200 ? (JSON.parse(body) as ReplicaReport) : undefined;
    } catch {
      // Dead, paused or cut off: that is what the caller wants to know.
      return undefined;
    }
  }

  /**
   * By how many milliseconds the master's clock is ahead of this one's, to about a second: it tells whole ones. Undefined
   * when it cannot be reached or tells none.
   */
  async clockAheadMs(master: MasterState): Promise<number | undefined> {
    const before = Date.now();
    let date: string | undefined;
    try {
      ({ date } = await this.#call(master, 'GET', '/livez', undefined, 2_000));
    } catch {
      // That it does not answer is told elsewhere.
      return undefined;
    }
    if (date === undefined) return undefined;
    const wholeSecondMs = 1_000;
    return Date.parse(date) + wholeSecondMs / 2 - (before + Date.now()) / 2;
  }

  async transferLeadership(leader: MasterState, to: string | undefined): Promise<void> {
    await this.#post(leader, '/trireme/v1/transfer-leader', { to });
  }

  /** Cuts the peer links of one master to the named others, in one direction or both; an empty list heals. */
  async partition(
    master: MasterState,
    from: readonly string[],
    direction: 'both' | 'in' | 'out',
  ): Promise<void> {
    await this.#post(master, '/trireme/v1/partition', { from, direction });
  }

  async disarm(leader: MasterState, type: string, member: string | undefined): Promise<void> {
    await this.#post(leader, '/trireme/v1/disarm', { type, member });
  }

  async members(master: MasterState): Promise<readonly MemberRecord[]> {
    const { status, body } = await this.#ask(master, 'GET', '/trireme/v1/members', undefined);
    if (status !== 200) throw new UserError(`${master.name} refused: ${messageOf(body)}`);
    return (JSON.parse(body) as { readonly members: readonly MemberRecord[] }).members;
  }

  /** Resolves to the id that the new member must be started with. */
  async addMember(master: MasterState, member: Omit<MemberRecord, 'id'>): Promise<number> {
    const body = await this.#post(master, '/trireme/v1/members/add', member);
    return (JSON.parse(body) as { readonly id: number }).id;
  }

  async changeMember(master: MasterState, change: 'promote' | 'remove', id: number): Promise<void> {
    await this.#post(master, `/trireme/v1/members/${change}`, { id });
  }

  /**
   * Saves a snapshot of everything that was acknowledged before the call. The file appears under its name once all of it
   * is durable and its checksum holds. Throws UserError.
   */
  async saveBackup(master: MasterState, path: string): Promise<VerifiedBackup> {
    // Only here: no other command needs that room.
    const { BackupError, verifyBackup } = await import('#libs/consensus');
    const part = `${path}.part`;
    try {
      await pipeline(
        await this.#stream(master, '/trireme/v1/snapshot'),
        createWriteStream(part, { mode: 0o600 }),
      );
      const saved = await verifyBackup(part);
      await syncFile(part);
      await rename(part, path);
      await syncFile(dirname(path));
      return saved;
    } catch (error) {
      await rm(part, { force: true });
      if (error instanceof UserError) throw error;
      const why =
        error instanceof BackupError ? 'the connection broke before its end' : (error as Error).message;
      throw new UserError(
        `the snapshot of ${master.name} was not saved to ${path}: ${why}`,
        'see `trireme status`',
      );
    }
  }

  async #stream(master: MasterState, path: string): Promise<IncomingMessage> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const call = request(
        { host: '127.0.0.1', port: master.apiPort, path, ...this.#tls, agent: false, timeout: silenceMs },
        resolve,
      );
      call.on('timeout', () => call.destroy(new Error(`nothing came for ${silenceMs / 1_000} s`)));
      call.on('error', reject);
      call.end();
    });
    if (response.statusCode === 200) return response;
    let body = '';
    for await (const text of response.setEncoding('utf8')) body += String(text);
    throw new UserError(`${master.name} refused: ${messageOf(body)}`);
  }

  /** Makes the log of one master slow, or its disk full; `{}` heals. */
  async disk(
    master: MasterState,
    fault: { readonly delayMs?: number; readonly full?: boolean },
  ): Promise<void> {
    await this.#post(master, '/trireme/v1/disk', fault);
  }

  async #post(master: MasterState, path: string, body: unknown): Promise<string> {
    const reply = await this.#ask(master, 'POST', path, JSON.stringify(body));
    if (reply.status !== 200) throw new UserError(`${master.name} refused: ${messageOf(reply.body)}`);
    return reply.body;
  }

  async #ask(
    master: MasterState,
    method: string,
    path: string,
    body: string | undefined,
  ): Promise<{ status: number; body: string }> {
    try {
      return await this.#call(master, method, path, body, 15_000);
    } catch (error) {
      throw new UserError(
        `${master.name} does not answer: ${(error as Error).message}`,
        'see `trireme status`',
      );
    }
  }

  async #call(
    master: MasterState,
    method: string,
    path: string,
    body: string | undefined,
    timeoutMs: number,
  ): Promise<{ status: number; body: string; date?: string }> {
    return new Promise((resolve, reject) => {
      const call = request(
        {
          host: master.host ?? '127.0.0.1',
          port: master.apiPort,
          path,
          method,
          ...this.#tls,
          agent: false,
          headers: body === undefined ? {} : { 'content-type': 'application/json' },
          signal: AbortSignal.timeout(timeoutMs),
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, body: text, date: response.headers.date }),
          );
          response.on('error', reject);
        },
      );
      call.on('error', reject);
      call.end(body);
    });
  }
}

/** A directory as well: then the names in it are durable. */
async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function messageOf(body: string): string {
  try {
    return (JSON.parse(body) as { message?: string }).message ?? body;
  } catch {
    return body;
  }
}
