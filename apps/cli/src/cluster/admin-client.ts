import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { UserError } from '../ui/errors.js';
import type { ClusterState, MasterState } from './state.js';

/** One replica's own view, as `GET /trireme/v1/status` answers it. */
export interface ReplicaReport {
  readonly name: string;
  readonly memberId: number;
  readonly role: 'leader' | 'follower' | 'learner' | 'observer';
  readonly term: number;
  readonly leader?: string;
  readonly quorum: boolean;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly ready: boolean;
}

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

  async #post(master: MasterState, path: string, body: unknown): Promise<void> {
    let reply: { status: number; body: string };
    try {
      reply = await this.#call(master, 'POST', path, JSON.stringify(body), 15_000);
    } catch (error) {
      throw new UserError(
        `${master.name} does not answer: ${(error as Error).message}`,
        'see `trireme status`',
      );
    }
    if (reply.status !== 200) throw new UserError(`${master.name} refused: ${messageOf(reply.body)}`);
  }

  async #call(
    master: MasterState,
    method: string,
    path: string,
    body: string | undefined,
    timeoutMs: number,
  ): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const call = request(
        {
          host: '127.0.0.1',
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
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
          response.on('error', reject);
        },
      );
      call.on('error', reject);
      call.end(body);
    });
  }
}

function messageOf(body: string): string {
  try {
    return (JSON.parse(body) as { message?: string }).message ?? body;
  } catch {
    return body;
  }
}
