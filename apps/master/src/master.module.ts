import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger, Tracing } from '#libs/telemetry';
import { ApiserverModule } from './apiserver/apiserver.module.js';
import type { Certificates } from './certificates/certificates.js';
import type { MasterConfig } from './config.js';
import { ConsensusModule } from './consensus/consensus.module.js';
import { LeaderModule } from './leader/leader.module.js';
import { TelemetryModule } from './telemetry/telemetry.module.js';
import { CERTIFICATES, LOGGER, MASTER_CONFIG, STOPPING, TRACING } from './tokens.js';

/** One master: consensus, API server, controller-manager and scheduler in one application. */
@Module({})
export class MasterModule {
  static for(
    config: MasterConfig,
    certificates: Certificates,
    logger: Logger,
    tracing: Tracing | undefined,
  ): DynamicModule {
    const settings: DynamicModule = {
      module: SettingsModule,
      global: true,
      providers: [
        { provide: MASTER_CONFIG, useValue: config },
        { provide: CERTIFICATES, useValue: certificates },
        { provide: LOGGER, useValue: logger },
        { provide: TRACING, useFactory: () => tracing },
        { provide: STOPPING, useValue: new AbortController() },
      ],
      exports: [MASTER_CONFIG, CERTIFICATES, LOGGER, TRACING, STOPPING],
    };
    return {
      module: MasterModule,
      imports: [settings, TelemetryModule, ConsensusModule, ApiserverModule, LeaderModule],
    };
  }
}

@Module({})
class SettingsModule {}
