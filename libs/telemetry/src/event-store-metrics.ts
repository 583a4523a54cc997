import { createCounterFamily, registerCollected } from './families.js';
import type { Sample } from './families.js';
import type { Registry } from './registry.js';

/** What a store of Events beside the log counts; event-store's `EventStoreMetrics` is one. Counters since the start of the process. */
export interface EventStoreSource {
  readonly up: boolean;
  readonly connects: number;
  readonly reloads: number;
  readonly writes: Readonly<Record<'written' | 'conflict' | 'failed', number>>;
  readonly expired: number;
  readonly objects: number;
  readonly sizeBytes: number;
}

/** How a master's store of Events serves it. */
export function createEventStoreMetrics(source: () => EventStoreSource, registry: Registry): void {
  const register = (
    type: 'counter' | 'gauge',
    name: string,
    help: string,
    samples: (current: EventStoreSource) => readonly Sample[],
  ): void =>
    registerCollected({ registry, name: `trireme_events_store_${name}`, help }, type, () =>
      samples(source()),
    );
  const single = (
    type: 'counter' | 'gauge',
    name: string,
    help: string,
    value: (current: EventStoreSource) => number,
  ): void => register(type, name, help, (current) => [{ labels: {}, value: value(current) }]);

  single('gauge', 'up', 'Whether the store of Events answers: 1 or 0.', (s) => Number(s.up));
  single('counter', 'connects_total', 'Connections made to the store of Events.', (s) => s.connects);
  single('counter', 'reloads_total', 'Times that all Events had to be read anew.', (s) => s.reloads);
  register('counter', 'writes_total', 'Writes of Events, by what came of them.', ({ writes }) =>
    Object.entries(writes).map(([result, value]) => ({ labels: { result }, value })),
  );
  single(
    'counter',
    'expired_total',
    'Events that this master deleted when their time was up.',
    (s) => s.expired,
  );
  single('gauge', 'objects', 'Events that this master holds a copy of.', (s) => s.objects);
  single('gauge', 'size_bytes', 'Memory of that copy, history included.', (s) => s.sizeBytes);
}

/** Events that were recorded and not written, by who recorded them: the store was away or too slow. */
export function createDroppedEventsMetric(registry: Registry): (component: string) => void {
  const dropped = createCounterFamily({
    registry,
    name: 'trireme_events_dropped_total',
    help: 'Events that could not be written, by the component that recorded them.',
    labelNames: ['component'],
    maxChildren: 100,
  });
  return (component) => dropped.child(component).increment();
}
