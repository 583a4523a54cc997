import { StorageError } from '#libs/consensus';
import type { Replica, TxnResult } from '#libs/consensus';
import type { Operation } from '#libs/history';
import { text } from './reference.js';
import type { Scenario } from './options.js';
import { Stream } from './random.js';
import type { Server } from './server.js';
import type { Simulator } from './simulator.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** An operation that is under way. */
interface Call {
  readonly server: Server;
  readonly operation: Mutable<Operation>;
}

/** Refusals that are certain to have had no effect; anything else means *maybe*. */
const withoutEffect = new Set([
  'Fenced',
  'Overloaded',
  'TooLarge',
  'BadRequest',
  'QuotaExceeded',
  'LeaseNotFound',
]);

/** Clients that put, compare-and-put, delete and read a few keys on any server, and what each was answered. */
export class Workload {
  readonly history: Operation[] = [];
  readonly calls = new Set<Call>();
  /** Answered in time; anything else than an error. */
  answered = 0;
  private readonly random: Stream;
  /** Asks for nothing for a while. */
  resting = false;
  private stopped = false;
  private values = 0;
  private readonly revisions = new Map<string, number>();

  constructor(
    private readonly simulator: Simulator,
    private readonly scenario: Scenario,
    private readonly servers: readonly Server[],
    seed: number,
  ) {
    this.random = new Stream(seed, 'workload');
  }

  start(): void {
    for (let i = 0; i < this.scenario.clients; i += 1) this.think(`c${i}`);
    for (const server of this.servers) this.control(server);
    this.lease();
  }

  stop(): void {
    this.stopped = true;
  }

  private think(client: string): void {
    this.simulator.after(this.random.around(this.scenario.thinkMs), 'client', undefined, () => {
      if (this.stopped) return;
      const up = this.servers.filter(({ replica }) => replica !== undefined);
      if (up.length === 0 || this.resting) return this.think(client);
      this.call(client, this.random.pick(up));
    });
  }

  private call(client: string, server: Server): void {
    const key = `k/${this.random.int(0, this.scenario.keys)}`;
    const operation = this.draw(client, key);
    this.history.push(operation);
    const call: Call = { server, operation };
    this.calls.add(call);
    // A paused process takes it up when it goes on.
    this.simulator.after(0.02, 'client', server.main, () => {
      const { replica } = server;
      if (replica === undefined) return;
      const end = (): void => {
        if (this.calls.delete(call)) this.think(client);
      };
      this.run(operation, replica).then(
        () => {
          if (!this.calls.has(call)) return;
          this.answered += 1;
          operation.outcome = 'ok';
          operation.returnedAt = this.simulator.now;
          this.simulator.note(() => `${client} at ${server.name}: ${describe(operation)}`);
          end();
        },
        (error: unknown) => {
          const certain = error instanceof StorageError && withoutEffect.has(error.code);
          if (certain) {
            operation.outcome = 'failed';
            operation.returnedAt = this.simulator.now;
          }
          end();
        },
      );
    });
  }

  private draw(client: string, key: string): Mutable<Operation> {
    const base = {
      client,
      key,
      invokedAt: this.simulator.now,
      returnedAt: undefined,
      outcome: 'unknown' as const,
    };
    const dice = this.random.next();
    if (dice < 0.4) return { ...base, kind: 'get' };
    if (dice < 0.5) return { ...base, kind: 'delete' };
    const value = `${client}-${(this.values += 1)}`;
    if (dice < 0.75) return { ...base, kind: 'put', value };
    return { ...base, kind: 'compareAndPut', expectedRevision: this.revisions.get(key) ?? 0, value };
  }

  private async run(operation: Mutable<Operation>, replica: Replica): Promise<void> {
    const { key } = operation;
    const timeoutMs = this.random.int(300, 2_500);
    switch (operation.kind) {
      case 'get': {
        await replica.barrier(timeoutMs);
        const found = replica.get(key);
        operation.result = {
          value: found === undefined ? undefined : text(found.value),
          storeRevision: replica.revision,
          ...(found === undefined ? {} : { revision: found.modRevision }),
        };
        this.revisions.set(key, found?.modRevision ?? 0);
        return;
      }
      case 'put': {
        const success = [{ type: 'put' as const, key, value: this.pad(operation.value) }];
        const { revision } = await replica.txn({ compare: [], success }, { timeoutMs });
        operation.result = { revision };
        this.revisions.set(key, revision);
        return;
      }
      case 'delete': {
        const answer: TxnResult = await replica.txn(
          { compare: [], success: [{ type: 'delete', key }] },
          { timeoutMs },
        );
        const [result] = answer.results;
        // The results of a write that was answered from memory of an earlier copy are not kept.
        if (result?.type !== 'delete') throw new Error('not known');
        const existed = result.previous.length > 0;
        operation.result = existed ? { existed, revision: answer.revision } : { existed };
        return;
      }
      case 'compareAndPut': {
        const answer = await replica.txn(
          {
            compare: [{ key, target: 'modRevision', operator: '=', operand: operation.expectedRevision }],
            success: [{ type: 'put', key, value: this.pad(operation.value) }],
          },
          { timeoutMs },
        );
        operation.result = answer.succeeded
          ? { applied: true, revision: answer.revision }
          : { applied: false };
        if (answer.succeeded) this.revisions.set(key, answer.revision);
      }
    }
  }

  private pad(value: string): Uint8Array {
    return Buffer.from(
      `${value}|${'.'.repeat(this.random.int(0, this.scenario.maxValueBytes + 1))}`,
      'latin1',
    );
  }

  /** As a controller does: writes that hold only while this server leads. */
  control(server: Server): void {
    this.simulator.after(this.random.around(60), 'client', undefined, () => {
      if (this.stopped) return;
      this.control(server);
      if (this.resting) return;
      const { main } = server;
      this.simulator.after(0, 'client', main, () => {
        const { replica } = server;
        if (replica?.leadership.isLeader !== true) return;
        const { term } = replica.leadership;
        const value = Buffer.from(`${term}:${(this.values += 1)}`, 'latin1');
        const success = [{ type: 'put' as const, key: `fence/${server.id}`, value }];
        replica.txn({ compare: [], success }, { fence: term, timeoutMs: 1_000 }).catch(() => undefined);
      });
    });
  }

  /** Leases that are granted, bound to a key, sometimes kept alive, and otherwise end by themselves. */
  private lease(): void {
    this.simulator.after(this.random.around(150), 'client', undefined, () => {
      if (this.stopped) return;
      this.lease();
      if (this.resting) return;
      const server = this.random.pick(this.servers);
      this.simulator.after(0, 'client', server.main, () => {
        const { replica } = server;
        if (replica === undefined) return;
        const renew = this.random.chance(0.5);
        const key = `lease/${this.random.int(0, 3)}`;
        const bind = async (): Promise<void> => {
          const lease = await replica.grantLease(1);
          // Two keys, not in their order: what ends with the lease must end in the same way everywhere.
          const success = [`${key}/b`, `${key}/a`].map((each) => {
            const value = Buffer.from(`lease-${(this.values += 1)}`, 'latin1');
            return { type: 'put' as const, key: each, value, lease };
          });
          await replica.txn({ compare: [], success });
          if (renew) await replica.renewLease(lease);
        };
        bind().catch(() => undefined);
      });
    });
  }

  /** Its calls will never be answered: they may have taken effect, or not. */
  lost(server: Server): void {
    for (const call of this.calls) {
      if (call.server !== server) continue;
      this.calls.delete(call);
      this.think(call.operation.client);
    }
  }
}

function describe(operation: Operation): string {
  const { kind, key, invokedAt, result } = operation;
  const value = 'value' in operation ? ` ${operation.value}` : '';
  return `${kind} ${key}${value} = ${JSON.stringify(result)} (asked ${invokedAt.toFixed(1)})`;
}
