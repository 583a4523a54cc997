import type { Metric, Registry } from 'prom-client';

/** Values of a family's labels, in the order of its label names. */
export type LabelValues = readonly string[];

export interface Sample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

export interface FamilyOptions {
  readonly registry: Registry;
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
  /** Beyond this many children all further ones share one whose labels are all `other`. Default 2,000. */
  readonly maxChildren?: number;
}

export const overflowLabel = 'other';
const defaultMaxChildren = 2000;

/** Registers a metric whose samples are computed when it is scraped. */
export function registerCollected(
  options: FamilyOptions,
  type: 'counter' | 'gauge' | 'histogram',
  samples: () => readonly Sample[] | Promise<readonly Sample[]>,
): void {
  const { registry, name, help } = options;
  const metric = {
    name,
    help,
    type,
    get: async () => ({ name, help, type, aggregator: 'sum', values: await samples() }),
    reset: () => undefined,
  };
  // The registry asks nothing of a metric but `name` and `get`; its type lists the classes of the package.
  registry.registerMetric(metric as unknown as Metric);
}

/**
 * The children of one metric family, made once per combination of labels. prom-client's own children look their labels up at
 * every observation; here a caller keeps the child, and an observation is an addition.
 */
export class Family<Child> {
  private readonly children = new Map<
    string,
    { readonly labels: Record<string, string>; readonly child: Child }
  >();
  private readonly labelNames: readonly string[];

  constructor(
    private readonly options: FamilyOptions,
    type: 'counter' | 'gauge' | 'histogram',
    private readonly create: () => Child,
    samples: (labels: Record<string, string>, child: Child) => readonly Sample[],
  ) {
    this.labelNames = options.labelNames ?? [];
    registerCollected(options, type, () =>
      [...this.children.values()].flatMap(({ labels, child }) => samples(labels, child)),
    );
    // As Prometheus' own clients do: a family without labels shows its zero from the start.
    if (this.labelNames.length === 0) this.child();
  }

  child(...values: LabelValues): Child {
    if (values.length !== this.labelNames.length) {
      throw new RangeError(`${this.options.name} has the labels ${this.labelNames.join(', ')}`);
    }
    const known = this.children.get(values.join('\0'));
    if (known !== undefined) return known.child;
    const isFull = this.children.size >= (this.options.maxChildren ?? defaultMaxChildren);
    const kept = isFull ? values.map(() => overflowLabel) : values;
    const key = kept.join('\0');
    const overflow = this.children.get(key);
    if (overflow !== undefined) return overflow.child;
    const labels = Object.fromEntries(this.labelNames.map((name, i) => [name, kept[i]!]));
    const child = this.create();
    this.children.set(key, { labels, child });
    return child;
  }

  /** Forgets a child, as when what it described is gone. */
  remove(...values: LabelValues): void {
    this.children.delete(values.join('\0'));
  }
}

export class CounterChild {
  value = 0;
  increment(by = 1): void {
    this.value += by;
  }
}

export function createCounterFamily(options: FamilyOptions): Family<CounterChild> {
  const sample = (labels: Record<string, string>, { value }: CounterChild): Sample[] => [{ labels, value }];
  return new Family(options, 'counter', () => new CounterChild(), sample);
}

export class GaugeChild {
  value = 0;
  set(value: number): void {
    this.value = value;
  }
  add(by: number): void {
    this.value += by;
  }
}

export function createGaugeFamily(options: FamilyOptions): Family<GaugeChild> {
  const sample = (labels: Record<string, string>, { value }: GaugeChild): Sample[] => [{ labels, value }];
  return new Family(options, 'gauge', () => new GaugeChild(), sample);
}

/** `counts[i]` observations at or below `bounds[i]` and above the one before, not cumulative; the last counts the rest. */
export interface HistogramSnapshot {
  readonly bounds: readonly number[];
  readonly counts: ArrayLike<number>;
  readonly sum: number;
  readonly count: number;
}

export class HistogramChild implements HistogramSnapshot {
  readonly counts: Float64Array;
  sum = 0;
  count = 0;

  constructor(readonly bounds: readonly number[]) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const { bounds } = this;
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (bounds[middle]! < value) low = middle + 1;
      else high = middle;
    }
    this.counts[low]!++;
    this.sum += value;
    this.count++;
  }
}

/** `buckets`: upper bounds, ascending, +Inf left out. */
export function createHistogramFamily(
  options: FamilyOptions & { readonly buckets: readonly number[] },
): Family<HistogramChild> {
  return new Family(
    options,
    'histogram',
    () => new HistogramChild(options.buckets),
    (labels, child) => histogramSamples(options.name, labels, child),
  );
}

/** The cumulative form in which Prometheus reads a histogram. */
export function histogramSamples(
  name: string,
  labels: Readonly<Record<string, string>>,
  snapshot: HistogramSnapshot,
): Sample[] {
  const samples: Sample[] = [];
  let cumulative = 0;
  for (let i = 0; i < snapshot.bounds.length; i++) {
    cumulative += snapshot.counts[i] ?? 0;
    samples.push({
      metricName: `${name}_bucket`,
      labels: { ...labels, le: snapshot.bounds[i]! },
      value: cumulative,
    });
  }
  samples.push({ metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: snapshot.count });
  samples.push({ metricName: `${name}_sum`, labels, value: snapshot.sum });
  samples.push({ metricName: `${name}_count`, labels, value: snapshot.count });
  return samples;
}

/** first, 2·first, 4·first, … */
export function powersOfTwo(first: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => first * 2 ** i);
}
