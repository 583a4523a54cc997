import type { RowDefinition } from './bars.js';

const ratioAtLeast = (atLeast: number) => ({ kind: 'ratio', atLeast }) as const;
const ratioAtMost = (atMost: number) => ({ kind: 'ratio', atMost }) as const;
const atLeast = (limit: number) => ({ kind: 'figure', atLeast: limit }) as const;
const atMost = (limit: number) => ({ kind: 'figure', atMost: limit }) as const;
const rate = (row: string, unit: string, least: number): RowDefinition => ({
  row,
  unit,
  better: 'higher',
  bar: ratioAtLeast(least),
});
const time = (row: string, most: number): RowDefinition => ({
  row,
  unit: 'ms',
  better: 'lower',
  bar: ratioAtMost(most),
});
const most = (row: string, unit: string, limit: number): RowDefinition => ({
  row,
  unit,
  better: 'lower',
  bar: atMost(limit),
});

/** Every row of the comparison that has a bar, and the bar; other rows are figures to look at. */
export const definitions: readonly RowDefinition[] = [
  ...['', 'peer port: '].flatMap((by) => [
    time(`${by}put 512 B p50, 1 client`, 1),
    rate(`${by}put 512 B, 64 clients`, 'puts/s', 2),
    rate(`${by}put 512 B, 1,000 clients`, 'puts/s', 2),
    rate(`${by}linearizable get, 64 clients, leader`, 'gets/s', 2),
    rate(`${by}linearizable get, 64 clients, followers`, 'gets/s', 2),
  ]),
  rate('pod create, 64 clients', 'requests/s', 6),
  time('pod create p99', 0.3),
  rate('pod get, resourceVersion=0', 'requests/s', 5),
  rate('pod get, quorum', 'requests/s', 8),
  rate('pod merge patch', 'requests/s', 6),
  rate('pod delete', 'requests/s', 6),
  time('list of 10,000 pods', 1 / 8),
  time('page of 500 pods', 1 / 8),
  rate('watch, 500 watchers', 'events/s', 3),
  most('watch, 500 watchers: cut or missed', 'count', 0),
  time('watch, 200 watchers p99', 0.5),
  most('memory a replica, 10,000 pods', 'MiB', 250),
  rate('pods created and bound, 1,000 nodes', 'pods/s', 8),
  {
    row: 'the same beside 8,000 unschedulable pods: share of the rate',
    unit: '%',
    better: 'higher',
    bar: atLeast(80),
  },
  ...(
    [
      ['plain', 2_000],
      ['node affinity', 1_000],
      ['pod anti-affinity', 500],
      ['pod affinity', 500],
    ] as const
  ).map(([kind, least]): RowDefinition => ({
    row: `scheduling alone, 5,000 nodes: ${kind}`,
    unit: 'pods/s',
    better: 'higher',
    bar: atLeast(least),
  })),
  most('leader killed: next acknowledged write, p50', 'ms', 50),
  most('leader killed: next acknowledged write, p99', 'ms', 150),
  most('leader paused: next acknowledged write, p99', 'ms', 600),
  most('leader cut off: next acknowledged write, p99', 'ms', 600),
  most('leader stopped in order: next acknowledged write, p99', 'ms', 50),
  most('leader killed: next bind, p50', 'ms', 300),
  most('up to three ready masters', 's', 2),
  most('idle: memory a master', 'MiB', 120),
  most('idle: CPU a master', '%', 1),
  most('5,000 nodes, 150,000 pods: mutating p99', 'ms', 1_000),
  most('5,000 nodes, 150,000 pods: get p99', 'ms', 1_000),
  most('5,000 nodes, 150,000 pods: list of a namespace p99', 'ms', 30_000),
];
