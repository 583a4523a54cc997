import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Serving } from '../backend.js';
import { asEtcdError } from '../errors.js';
import type { WatchRequestMessage, WatchResponse } from '../messages.js';
import type { LeaderGuard } from '../leader-guard.js';
import { WatchStream } from './watch-stream.js';

/** Between notices to watchers that asked for them. */
export const progressEveryMs = 5_000;

type WatchCall = ServerDuplexStream<WatchRequestMessage, WatchResponse>;

/** etcd's Watch service: any number of watchers on any number of streams. */
export class WatchService {
  private readonly streams = new Set<WatchStream>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly serving: Serving,
    private readonly guard: LeaderGuard,
  ) {}

  watch(call: WatchCall): void {
    const stream = new WatchStream(this.serving, {
      write: (response, sent) => void call.write(response, sent),
      pause: (paused) => void (paused ? call.pause() : call.isPaused() && call.resume()),
    });
    const release = this.guard.watch(call);
    this.streams.add(stream);
    this.timer ??= setInterval(() => this.notify(), progressEveryMs);
    const end = (): void => {
      release();
      stream.close();
      this.streams.delete(stream);
      if (this.streams.size > 0) return;
      clearInterval(this.timer);
      this.timer = undefined;
    };
    call.on('data', (request: WatchRequestMessage) => {
      try {
        stream.handle(request);
      } catch (error) {
        call.emit('error', asEtcdError(error));
      }
    });
    call.on('cancelled', end);
    call.on('error', end);
    call.on('end', () => {
      end();
      call.end();
    });
  }

  private notify(): void {
    for (const stream of this.streams) stream.notifyProgress();
  }

  close(): void {
    clearInterval(this.timer);
    for (const stream of this.streams) stream.close();
    this.streams.clear();
  }
}
