import { ApiError } from '#libs/apimachinery';
import type { Transport } from './transport.js';

export interface RequestOutcome {
  readonly method: string;
  /** HTTP status, or `<error>` where none came. */
  readonly code: number | '<error>';
  readonly seconds: number;
}

/** The same transport; `done` is told of each request that is no watch, and must not throw. */
export function countedTransport(transport: Transport, done: (outcome: RequestOutcome) => void): Transport {
  return {
    watch: async (request, sink) => transport.watch(request, sink),
    async request(request) {
      const startedMs = performance.now();
      const count = (code: RequestOutcome['code']): void =>
        done({ method: request.method, code, seconds: (performance.now() - startedMs) / 1_000 });
      try {
        const response = await transport.request(request);
        count(response.status);
        return response;
      } catch (error) {
        count(error instanceof ApiError ? error.code : '<error>');
        throw error;
      }
    },
  };
}
