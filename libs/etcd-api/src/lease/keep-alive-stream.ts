import type { ServerDuplexStream } from '@grpc/grpc-js';
import { asEtcdError } from '../errors.js';
import type { LeaderGuard } from '../leader-guard.js';
import type { LeaseService } from './lease-service.js';

interface KeepAliveRequest {
  readonly ID: number;
}

/** Renewals of one stream under way at most; then it is not read from until some are done. */
const maxUnderWay = 64;

/** Serves a stream of keep-alives. An error ends the stream: the client opens another, on another member if need be. */
export function serveKeepAlives(
  call: ServerDuplexStream<KeepAliveRequest, object>,
  leases: LeaseService,
  guard: LeaderGuard,
): void {
  const release = guard.watch(call);
  let underWay = 0;
  let ended = false;
  let failed = false;
  const finish = (): void => {
    if (ended && underWay === 0 && !failed) call.end();
  };
  const fail = (error: unknown): void => {
    if (failed) return;
    failed = true;
    call.emit('error', asEtcdError(error));
  };
  const done = (): void => {
    underWay--;
    if (call.isPaused() && underWay < maxUnderWay) call.resume();
    finish();
  };
  call.on('data', (request: KeepAliveRequest) => {
    underWay++;
    if (underWay >= maxUnderWay) call.pause();
    leases
      .keepAlive(request)
      .then((response) => (failed ? undefined : written(call, response)), fail)
      .then(done, done);
  });
  const stop = (): void => {
    failed = true;
    release();
  };
  call.on('cancelled', stop);
  call.on('error', stop);
  call.on('end', () => {
    ended = true;
    release();
    finish();
  });
}

/** Resolves once it has been taken: a client that does not read its answers is not read from either. */
function written(call: ServerDuplexStream<KeepAliveRequest, object>, response: object): Promise<void> {
  return new Promise((resolve) => void call.write(response, () => resolve()));
}
