import type { Metadata, ServerDuplexStream, ServerWritableStream } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { Catch, Controller, Inject, UseFilters } from '@nestjs/common';
import type { ExceptionFilter } from '@nestjs/common';
import { GrpcMethod, GrpcStreamCall } from '@nestjs/microservices';
import { from, ignoreElements, throwError } from 'rxjs';
import type { Observable } from 'rxjs';
import { ClusterService } from './cluster/cluster-service.js';
import type { AlarmRequest } from './cluster/maintenance-service.js';
import { MaintenanceService, protocolVersion } from './cluster/maintenance-service.js';
import { streamSnapshot } from './cluster/snapshot-stream.js';
import { Serving } from './backend.js';
import { EtcdError, asEtcdError, etcdError } from './errors.js';
import { KvService } from './kv/kv-service.js';
import { LeaderGuard } from './leader-guard.js';
import { serveKeepAlives } from './lease/keep-alive-stream.js';
import { LeaseService } from './lease/lease-service.js';
import type {
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  TxnRequest,
  WatchRequestMessage,
  WatchResponse,
} from './messages.js';
import { WatchService } from './watch/watch-service.js';

/** Answers a failed call with etcd's own error. */
@Catch()
class EtcdErrorFilter implements ExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => asEtcdError(error));
  }
}

const filter = new EtcdErrorFilter();

@Controller()
@UseFilters(filter)
export class KvController {
  readonly #kv: KvService;

  constructor(@Inject(KvService) kv: KvService) {
    this.#kv = kv;
  }

  @GrpcMethod('KV', 'Range')
  range(request: RangeRequest): Promise<object> {
    return this.#kv.range(request);
  }

  @GrpcMethod('KV', 'Put')
  put(request: PutRequest): Promise<object> {
    return this.#kv.put(request);
  }

  @GrpcMethod('KV', 'DeleteRange')
  deleteRange(request: DeleteRangeRequest): Promise<object> {
    return this.#kv.deleteRange(request);
  }

  @GrpcMethod('KV', 'Txn')
  txn(request: TxnRequest): Promise<object> {
    return this.#kv.txn(request);
  }

  @GrpcMethod('KV', 'Compact')
  compact(request: { readonly revision: number }): Promise<object> {
    return this.#kv.compact(request);
  }
}

@Controller()
@UseFilters(filter)
export class WatchController {
  readonly #watches: WatchService;

  constructor(@Inject(WatchService) watches: WatchService) {
    this.#watches = watches;
  }

  @GrpcStreamCall('Watch', 'Watch')
  watch(call: ServerDuplexStream<WatchRequestMessage, WatchResponse>): void {
    this.#watches.watch(call);
  }
}

@Controller()
@UseFilters(filter)
export class LeaseController {
  readonly #leases: LeaseService;
  readonly #guard: LeaderGuard;

  constructor(@Inject(LeaseService) leases: LeaseService, @Inject(LeaderGuard) guard: LeaderGuard) {
    this.#leases = leases;
    this.#guard = guard;
  }

  @GrpcMethod('Lease', 'LeaseGrant')
  grant(request: { readonly TTL: number; readonly ID: number }): Promise<object> {
    return this.#leases.grant(request);
  }

  @GrpcMethod('Lease', 'LeaseRevoke')
  revoke(request: { readonly ID: number }): Promise<object> {
    return this.#leases.revoke(request);
  }

  @GrpcStreamCall('Lease', 'LeaseKeepAlive')
  keepAlive(call: ServerDuplexStream<{ readonly ID: number }, object>): void {
    serveKeepAlives(call, this.#leases, this.#guard);
  }

  @GrpcMethod('Lease', 'LeaseTimeToLive')
  timeToLive(request: { readonly ID: number; readonly keys: boolean }): Promise<object> {
    return this.#leases.timeToLive(request);
  }

  @GrpcMethod('Lease', 'LeaseLeases')
  leases(): Promise<object> {
    return this.#leases.leases();
  }
}

@Controller()
@UseFilters(filter)
export class ClusterController {
  readonly #cluster: ClusterService;

  constructor(@Inject(ClusterService) cluster: ClusterService) {
    this.#cluster = cluster;
  }

  @GrpcMethod('Cluster', 'MemberList')
  list(request: { readonly linearizable: boolean }): Promise<object> {
    return this.#cluster.list(request);
  }

  @GrpcMethod('Cluster', 'MemberAdd')
  add(request: { readonly peerURLs: readonly string[]; readonly isLearner: boolean }): Promise<object> {
    return this.#cluster.add(request);
  }

  @GrpcMethod('Cluster', 'MemberRemove')
  remove(request: { readonly ID: number }): Promise<object> {
    return this.#cluster.remove(request);
  }

  @GrpcMethod('Cluster', 'MemberUpdate')
  update(request: { readonly ID: number; readonly peerURLs: readonly string[] }): Promise<object> {
    return this.#cluster.update(request);
  }

  @GrpcMethod('Cluster', 'MemberPromote')
  promote(request: { readonly ID: number }): Promise<object> {
    return this.#cluster.promote(request);
  }
}

@Controller()
@UseFilters(filter)
export class MaintenanceController {
  readonly #maintenance: MaintenanceService;
  readonly #serving: Serving;

  constructor(
    @Inject(MaintenanceService) maintenance: MaintenanceService,
    @Inject(Serving) serving: Serving,
  ) {
    this.#maintenance = maintenance;
    this.#serving = serving;
  }

  @GrpcMethod('Maintenance', 'Status')
  status(): Promise<object> {
    return this.#maintenance.status();
  }

  @GrpcMethod('Maintenance', 'Alarm')
  alarm(request: AlarmRequest): Promise<object> {
    return this.#maintenance.alarm(request);
  }

  @GrpcMethod('Maintenance', 'Hash')
  hash(): Promise<object> {
    return this.#maintenance.hash();
  }

  @GrpcMethod('Maintenance', 'HashKV')
  hashKv(request: { readonly revision: number }): Promise<object> {
    return this.#maintenance.hashKv(request);
  }

  @GrpcMethod('Maintenance', 'Defragment')
  defragment(): Promise<object> {
    return this.#maintenance.defragment();
  }

  @GrpcMethod('Maintenance', 'MoveLeader')
  moveLeader(request: { readonly targetID: number }): Promise<object> {
    return this.#maintenance.moveLeader(request);
  }

  @GrpcMethod('Maintenance', 'Snapshot')
  snapshot(
    _request: object,
    _metadata: Metadata,
    call: ServerWritableStream<unknown, object>,
  ): Observable<never> {
    return from(streamSnapshot(call, this.#serving, protocolVersion)).pipe(ignoreElements());
  }
}

/** Who may speak to this service is decided by certificates; there are no users, and it says so. */
@Controller()
@UseFilters(filter)
export class AuthController {
  readonly #serving: Serving;

  constructor(@Inject(Serving) serving: Serving) {
    this.#serving = serving;
  }

  @GrpcMethod('Auth', 'AuthStatus')
  status(): object {
    return { header: this.#serving.header(), enabled: false, authRevision: 1 };
  }

  @GrpcMethod('Auth', 'Authenticate')
  authenticate(): never {
    throw etcdError('authNotEnabled');
  }

  @GrpcMethod('Auth', 'AuthEnable')
  enable(): never {
    const why = 'there are no users here: a certificate of the etcd authority decides who may call';
    throw new EtcdError(status.UNIMPLEMENTED, why);
  }

  @GrpcMethod('Auth', 'AuthDisable')
  disable(): object {
    return { header: this.#serving.header() };
  }
}
