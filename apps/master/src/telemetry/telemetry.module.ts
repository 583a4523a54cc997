import { Global, Inject, Module, type OnModuleDestroy } from '@nestjs/common';
import { TELEMETRY } from '../tokens.js';
import { productVersion } from '../version.js';
import { Telemetry } from './telemetry.js';

@Global()
@Module({
  providers: [{ provide: TELEMETRY, useFactory: () => new Telemetry(productVersion()) }],
  exports: [TELEMETRY],
})
export class TelemetryModule implements OnModuleDestroy {
  readonly #telemetry: Telemetry;

  constructor(@Inject(TELEMETRY) telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  onModuleDestroy(): void {
    this.#telemetry.close();
  }
}
