import { ApiError } from '#libs/apimachinery';
import type { ApiRequest, ApiResponse, HealthRegistry, PathHandler } from '#libs/apiserver';
import { alarmTypes, type DiskFault, type Members } from '#libs/consensus';
import type { Logger } from '#libs/telemetry';
import { byEtcdsTools, embedded, type Engine } from '../consensus/engine.js';
import { parseDiskFault, writeDiskFault } from '../consensus/disk-fault-file.js';
import { productVersion } from '../version.js';
import { BackupStreams } from './backup-stream.js';
import { listMembers, memberChanges } from './member-paths.js';

const prefix = '/trireme/v1/';
const encoder = new TextEncoder();

function json(status: number, body: unknown): ApiResponse {
  const chunks = [encoder.encode(JSON.stringify(body))];
  return { kind: 'unary', status, headers: { 'content-type': 'application/json' }, chunks };
}

function bodyOf(request: ApiRequest): Record<string, unknown> {
  if (request.body === undefined) return {};
  if ('object' in request.body) return request.body.object as Record<string, unknown>;
  try {
    return JSON.parse(new TextDecoder().decode(request.body.bytes)) as Record<string, unknown>;
  } catch (error) {
    throw new ApiError(400, 'BadRequest', `the body is not JSON: ${(error as Error).message}`);
  }
}

export interface AdminOptions {
  readonly storage: Engine;
  readonly health: HealthRegistry;
  readonly logger: Logger;
  readonly dataDir: string;
  /** False refuses partitions and faults of the disk. */
  readonly faultInjection: boolean;
}

/**
 * What the command line asks of one replica: its own view of the group and changes of it, a leader transfer, backups, alarms, faults. Like every path that
 * is no resource, authorized by RBAC's nonResourceURLs: cluster administrators have them.
 */
export function adminPaths(options: AdminOptions): PathHandler {
  const { storage } = options;
  const replica = embedded(storage);
  const backups = replica === undefined ? undefined : new BackupStreams(replica, options.logger);
  const handlers: Record<string, (request: ApiRequest) => Promise<ApiResponse>> = {
    'GET status': async () => json(200, await report(options)),
    'POST transfer-leader': async (request) => {
      const { to } = bodyOf(request);
      await storage.transferLeadership(typeof to === 'string' ? to : undefined);
      return json(200, {});
    },
    'GET snapshot': async () => {
      if (backups === undefined) throw byEtcdsTools('take backups with `etcdctl snapshot save`');
      return backups.answer();
    },
    'GET members': async () => json(200, listMembers(membersOf(storage))),
    'POST disarm': async (request) => {
      const { type, member } = bodyOf(request);
      const alarm = alarmTypes.find((known) => known === type);
      if (alarm === undefined) {
        throw new ApiError(400, 'BadRequest', `"type" must be one of ${alarmTypes.join(', ')}`);
      }
      if (replica === undefined) throw byEtcdsTools('clear alarms with `etcdctl alarm disarm`');
      await replica.disarm(alarm, typeof member === 'string' ? member : undefined);
      return json(200, {});
    },
    'POST disk': async (request) => {
      demandFaultInjection(options);
      let fault: DiskFault;
      try {
        fault = parseDiskFault(bodyOf(request));
      } catch (error) {
        if (error instanceof ApiError) throw error;
        throw new ApiError(
          400,
          'BadRequest',
          'wanted is {"delayMs": 0 to 60000} or {"full": true}; {} heals',
        );
      }
      if (replica === undefined) {
        // Nothing is wrong with what there is not: `chaos heal` asks every master.
        if (Object.keys(fault).length === 0) return json(200, {});
        throw byEtcdsTools('this master has no log whose disk could fail');
      }
      writeDiskFault(options.dataDir, fault);
      // Whoever is answered may count on the next write to meet it. A full disk may stop this process before the answer is out.
      await replica.diskFault(fault);
      return json(200, {});
    },
    'POST partition': async (request) => {
      demandFaultInjection(options);
      const { from, direction } = bodyOf(request);
      const names = Array.isArray(from)
        ? from.filter((name): name is string => typeof name === 'string')
        : [];
      const way = direction === 'in' || direction === 'out' ? direction : 'both';
      storage.partition(names, way);
      return json(200, {});
    },
  };
  for (const [name, change] of Object.entries(memberChanges)) {
    handlers[`POST members/${name}`] = async (request) =>
      json(200, await change(membersOf(storage), bodyOf(request)));
  }
  return (request) => {
    if (!request.path.startsWith(prefix)) return undefined;
    return handlers[`${request.method} ${request.path.slice(prefix.length)}`]?.(request);
  };
}

function membersOf(engine: Engine): Members {
  const replica = embedded(engine);
  if (replica !== undefined) return replica.members;
  throw byEtcdsTools(
    'its members are changed with `etcdctl member`; masters come and go as they are started',
  );
}

function demandFaultInjection({ faultInjection }: AdminOptions): void {
  if (!faultInjection)
    throw new ApiError(403, 'Forbidden', 'this master was started without fault injection');
}

async function report({ storage, health }: AdminOptions): Promise<object> {
  const ready = await health.passes('readyz');
  const status = storage.status();
  const self = status.members.find((member) => member.id === status.memberId);
  return {
    version: productVersion(),
    name: status.name,
    memberId: status.memberId,
    role: status.leadership.isLeader
      ? 'leader'
      : self?.role === 'leader'
        ? 'follower'
        : (self?.role ?? 'follower'),
    term: status.leadership.term,
    leader: status.leadership.leader,
    quorum: status.quorum,
    commitIndex: status.commitIndex,
    appliedIndex: status.appliedIndex,
    revision: status.revision,
    sizeBytes: status.sizeBytes,
    quotaBytes: status.quotaBytes,
    alarms: status.alarms.map(({ type, member }) => ({ type, member })),
    ready,
  };
}
