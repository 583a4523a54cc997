import { createWriteStream, type WriteStream } from 'node:fs';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';

const milliseconds = ([seconds, nanoseconds]: readonly [number, number]): number =>
  seconds * 1_000 + nanoseconds / 1e6;

/** A JSON object a line and span, appended to a file: for looking at traces without a collector. */
export class JsonLinesExporter implements SpanExporter {
  readonly #file: WriteStream;

  constructor(path: string) {
    this.#file = createWriteStream(path, { flags: 'a', mode: 0o600 });
  }

  export(spans: ReadableSpan[], done: Parameters<SpanExporter['export']>[1]): void {
    const lines = spans.map((span) => JSON.stringify(lineOf(span)));
    this.#file.write(`${lines.join('\n')}\n`, (error) =>
      // 0 is success, 1 failure.
      done(error === null || error === undefined ? { code: 0 } : { code: 1, error }),
    );
  }

  async shutdown(): Promise<void> {
    await new Promise<void>((resolve) => this.#file.end(() => resolve()));
  }
}

function lineOf(span: ReadableSpan): object {
  const { traceId, spanId } = span.spanContext();
  return {
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId,
    name: span.name,
    startMs: milliseconds(span.startTime),
    durationMs: milliseconds(span.duration),
    status: span.status.code === 2 ? 'error' : 'ok',
    attributes: span.attributes,
  };
}
