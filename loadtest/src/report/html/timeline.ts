import type { LoadReport, Mark } from '../schema.js';
import { lineChart, type Line } from './chart.js';
import { linearScale, logScale, ninesScale, timeScale } from './scale.js';
import { duration, number } from './text.js';

type Point = LoadReport['timeline'][number];

/** Throughput and latency over time, with leaders and faults drawn into both. `pointSeconds` is the width of a point. */
export function timeline(
  points: readonly Point[],
  marks: readonly Mark[],
  options: { readonly pointSeconds: number; readonly targetRate?: (second: number) => number } = {
    pointSeconds: 1,
  },
): string {
  const end = Math.max(
    1,
    ...points.map(({ second }) => second + options.pointSeconds),
    ...marks.map(({ at }) => at),
  );
  const x = timeScale(end);
  const at = (point: Point): number => point.second + options.pointSeconds / 2;
  const rate = (count: number): number => count / options.pointSeconds;
  const target = options.targetRate;
  const throughput: Line[] = [
    {
      name: 'answers',
      colour: 'one',
      filled: true,
      points: points.map((point) => [at(point), rate(point.requests - point.errors)]),
    },
    {
      name: 'errors',
      colour: 'two',
      dashed: true,
      points: points.map((point) => [at(point), rate(point.errors)]),
    },
  ];
  if (target !== undefined) {
    throughput.push({
      name: 'target',
      colour: 'four',
      dashed: true,
      points: points.map((point) => [at(point), target(at(point))]),
    });
  }
  const highest = Math.max(1, ...throughput.flatMap((line) => line.points.map(([, y]) => y ?? 0)));
  const latencies = points.flatMap(({ p50Ms, maxMs }) => (p50Ms === null ? [] : [p50Ms, maxMs ?? p50Ms]));
  const second = (value: number): string => `${number(value)} s`;
  return (
    lineChart({
      title: 'Requests a second',
      x,
      y: linearScale(highest),
      xText: second,
      yText: number,
      lines: throughput,
      marks,
    }) +
    lineChart({
      title: 'Latency',
      x,
      y: logScale(Math.min(...latencies, 1), Math.max(...latencies, 1)),
      xText: second,
      yText: duration,
      lines: [
        { name: 'p50', colour: 'one', points: points.map((point) => [at(point), point.p50Ms]) },
        { name: 'p99', colour: 'two', dashed: true, points: points.map((point) => [at(point), point.p99Ms]) },
        { name: 'highest', colour: 'three', points: points.map((point) => [at(point), point.maxMs]) },
      ],
      marks,
    })
  );
}

export interface Distribution {
  readonly name: string;
  readonly latency: LoadReport['latencyMs'];
}

/** Latency by percentile, each further nine with as much room as the one before. */
export function percentiles(distributions: readonly Distribution[]): string {
  const colours = ['one', 'two', 'three', 'four'] as const;
  const shown = distributions.filter(({ latency }) => latency.count > 0).slice(0, colours.length);
  const values = shown.flatMap(({ latency }) => latency.curve.map(([, ms]) => ms)).filter((ms) => ms > 0);
  return lineChart({
    title: 'Latency by percentile',
    x: ninesScale(),
    y: logScale(Math.min(...values, 1), Math.max(...values, 1)),
    xText: (percent) => `${percent} %`,
    yText: duration,
    lines: shown.map(({ name, latency }, i) => ({
      name,
      colour: colours[i] ?? 'one',
      dashed: i % 2 === 1,
      // What so few requests cannot tell is not drawn.
      points: latency.curve
        .filter(([q]) => q === 100 || latency.count * (1 - q / 100) >= 1)
        .map(([q, ms]) => [q, ms] as const),
    })),
  });
}

/** A table's row of a distribution: count and percentiles to p99.99. */
export function latencyRow({ name, latency }: Distribution): string[] {
  const { count, p50, p90, p95, p99, 'p99.9': p999, 'p99.99': p9999, max } = latency;
  return [name, number(count), ...[p50, p90, p95, p99, p999, p9999, max].map(duration)];
}

export const latencyHeader = ['', 'good answers', 'p50', 'p90', 'p95', 'p99', 'p99.9', 'p99.99', 'highest'];
