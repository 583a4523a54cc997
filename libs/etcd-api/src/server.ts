import { ServerCredentials } from '@grpc/grpc-js';
import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { etcdPackageDefinition } from '#libs/consensus';
import { Serving } from './backend.js';
import type { EtcdBackend } from './backend.js';
import { ClusterService } from './cluster/cluster-service.js';
import type { ClientUrls } from './cluster/cluster-service.js';
import { MaintenanceService } from './cluster/maintenance-service.js';
import {
  AuthController,
  ClusterController,
  KvController,
  LeaseController,
  MaintenanceController,
  WatchController,
} from './controllers.js';
import { KvService } from './kv/kv-service.js';
import { LeaderGuard } from './leader-guard.js';
import { LeaseService } from './lease/lease-service.js';
import { WatchService } from './watch/watch-service.js';

export interface EtcdApiOptions {
  readonly backend: EtcdBackend;
  /** Host or address, and a port that is free. */
  readonly listen: { readonly host: string; readonly port: number };
  /** PEM. Only clients with a certificate of `ca` are let in. */
  readonly tls: { readonly ca: string; readonly certificate: string; readonly privateKey: string };
  readonly clientUrls?: ClientUrls;
}

export interface EtcdApi {
  /** Ends streams with "server stopped", so that clients go to another member, and closes the port. */
  close(): Promise<void>;
}

/** The largest command of the log, with room for what carries it. */
const maxReceivedBytes = (4 << 20) + (512 << 10);

/** Starts the service. Rejects when the port cannot be had or a certificate is unusable. */
export async function startEtcdApi(options: EtcdApiOptions): Promise<EtcdApi> {
  const { ca, certificate, privateKey } = options.tls;
  const pair = { private_key: Buffer.from(privateKey), cert_chain: Buffer.from(certificate) };
  const { host, port } = options.listen;
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(EtcdApiModule.for(options), {
    transport: Transport.GRPC,
    logger: false,
    abortOnError: false,
    options: {
      url: `${host.includes(':') ? `[${host}]` : host}:${port}`,
      package: 'etcdserverpb',
      packageDefinition: await etcdPackageDefinition({ longs: Number }),
      credentials: ServerCredentials.createSsl(Buffer.from(ca), [pair], true),
      maxReceiveMessageLength: maxReceivedBytes,
      // A range may be as large as the store: clients bound what they take.
      maxSendMessageLength: -1,
    },
  });
  await app.listen();
  return {
    async close() {
      app.get(LeaderGuard).close();
      app.get(WatchService).close();
      await app.close();
    },
  };
}

@Module({})
class EtcdApiModule {
  static for({ backend, clientUrls = {} }: EtcdApiOptions): DynamicModule {
    const serving = new Serving(backend);
    const guard = new LeaderGuard(backend);
    return {
      module: EtcdApiModule,
      controllers: [
        KvController,
        WatchController,
        LeaseController,
        ClusterController,
        MaintenanceController,
        AuthController,
      ],
      providers: [
        { provide: Serving, useValue: serving },
        { provide: LeaderGuard, useValue: guard },
        { provide: KvService, useValue: new KvService(serving) },
        { provide: WatchService, useValue: new WatchService(serving, guard) },
        { provide: LeaseService, useValue: new LeaseService(serving) },
        { provide: ClusterService, useValue: new ClusterService(serving, clientUrls) },
        { provide: MaintenanceService, useValue: new MaintenanceService(serving) },
      ],
    };
  }
}
