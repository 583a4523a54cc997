import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { UserError } from '../../../apps/cli/src/ui/errors.js';

/**
 * What `--json` of every tool of the lab writes (load, failover, bench): one schema, told apart by `kind`. A change
 * that old readers would misread raises the version.
 */
const version = 'lab.trireme.dev/v1';

const about = {
  schema: z.literal(version),
  startedAt: z.iso.datetime(),
  command: z.string(),
  version: z.string(),
  commit: z.string().nullable(),
  machine: z.object({
    cpus: z.number().int(),
    model: z.string(),
    memoryGiB: z.number(),
    system: z.string(),
    node: z.string(),
  }),
  /** Whether every verdict is good: the tool's exit code is 0. */
  ok: z.boolean(),
  verdicts: z.array(z.object({ what: z.string(), ok: z.boolean(), found: z.string() })),
};

const milliseconds = z.number().nonnegative();

const latency = z.object({
  count: z.number().int().nonnegative(),
  mean: milliseconds,
  max: milliseconds,
  p50: milliseconds,
  p75: milliseconds,
  p90: milliseconds,
  p95: milliseconds,
  p99: milliseconds,
  'p99.9': milliseconds,
  'p99.99': milliseconds,
  curve: z.array(z.tuple([z.number(), milliseconds])).readonly(),
});

const point = z.object({
  second: z.number().nonnegative(),
  requests: z.number().int().nonnegative(),
  errors: z.number().int().nonnegative(),
  p50Ms: milliseconds.nullable(),
  p99Ms: milliseconds.nullable(),
  maxMs: milliseconds.nullable(),
});

/** What happened at a time of the timeline: drawn into it. */
const mark = z.object({
  /** Seconds since the start. */
  at: z.number().nonnegative(),
  /** End of what lasts. */
  until: z.number().nonnegative().optional(),
  kind: z.enum(['leader', 'fault', 'heal']),
  label: z.string(),
});

const steps = z.record(
  z.string(),
  z.object({ requests: z.number().int(), errors: z.number().int(), latencyMs: latency }),
);

const load = z.object({
  ...about,
  kind: z.literal('load'),
  scenario: z.string(),
  engine: z.enum(['autocannon', 'k6']),
  protocol: z.string(),
  target: z.string(),
  servers: z.array(z.string()).readonly(),
  clients: z.number().int(),
  processes: z.number().int(),
  targetRate: z.object({ from: z.number(), to: z.number() }).nullable(),
  /** Requests a second, and what was asked for is in iterations a second: one of them may be several requests. */
  achievedRate: z.number(),
  iterationRequests: z.number(),
  seconds: z.number(),
  requests: z.number().int(),
  errors: z.number().int(),
  firstError: z.string().nullable(),
  dropped: z.number().int(),
  coordinatedOmission: z.enum(['due-time', 'open-model', 'none']),
  latencyMs: latency,
  steps,
  timeline: z.array(point).readonly(),
  marks: z.array(mark).readonly(),
  generatorCpuMicrosecondsPerRequest: z.number().nullable(),
});

const gaps = z.object({
  /** Milliseconds without, one a round. */
  values: z.array(milliseconds).readonly(),
  p50: milliseconds,
  p99: milliseconds,
  max: milliseconds,
});

/** Rounds of one fault on one target. */
const faultRounds = z.object({
  target: z.string(),
  fault: z.string(),
  rounds: z.number().int(),
  /** By who felt it: writers, readers, watchers, controllers. */
  gaps: z.record(z.string(), gaps),
});

const failover = z.object({
  ...about,
  kind: z.literal('failover'),
  load: z.string(),
  targets: z.array(
    z.object({
      name: z.string(),
      timeline: z.array(point).readonly(),
      /** Width of each of its points. */
      pointSeconds: z.number().positive(),
      marks: z.array(mark).readonly(),
      latencyMs: latency,
      /** What was found wrong, in words. */
      stories: z.array(z.string()),
      acknowledged: z.number().int(),
      unknown: z.number().int(),
      lost: z.number().int(),
      doubled: z.number().int(),
      phantom: z.number().int(),
      watchFaults: z.number().int(),
      operations: z.number().int(),
      linearizable: z.enum(['yes', 'no', 'undecided']),
    }),
  ),
  faults: z.array(faultRounds),
  /** Faults that were asked for and not run, with the reason. */
  leftOut: z.array(z.object({ target: z.string(), fault: z.string(), why: z.string() })),
});

const figures = z.object({
  target: z.string(),
  /** One figure a run. */
  values: z.array(z.number()).readonly(),
});

const bench = z.object({
  ...about,
  kind: z.literal('bench'),
  runs: z.number().int(),
  rows: z.array(
    z.object({
      row: z.string(),
      unit: z.string(),
      better: z.enum(['higher', 'lower']),
      trireme: figures,
      /** Null where it was absent, or where the bar is a figure of its own. */
      peer: figures.nullable(),
      /** Trireme's median ÷ the peer's; null without a peer. */
      ratio: z.number().nullable(),
      bar: z.object({ text: z.string(), ok: z.boolean() }).nullable(),
    }),
  ),
  absent: z.array(z.object({ peer: z.string(), leavesOut: z.string() })),
});

const labReport = z.discriminatedUnion('kind', [load, failover, bench]);

export type LoadReport = z.infer<typeof load>;
export type FailoverReport = z.infer<typeof failover>;
export type BenchReport = z.infer<typeof bench>;
export type LabReport = z.infer<typeof labReport>;
export type Mark = z.infer<typeof mark>;
export const schemaVersion = version;

/** What a tool is about to write, checked: a report that its own readers would refuse is a defect, not a file. */
export function checkedReport<T extends LabReport>(report: T): T {
  return labReport.parse(report) as T;
}

/** Reads a stored report to compare with; a UserError says what is wrong with the file. */
export function readReport<K extends LabReport['kind']>(path: string, kind: K): LabReport & { kind: K } {
  let read: unknown;
  try {
    read = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UserError(`the baseline ${path} cannot be read: ${(error as Error).message}`);
  }
  const parsed = labReport.safeParse(read);
  if (!parsed.success) {
    throw new UserError(
      `the baseline ${path} is no report of ${version}: ${z.prettifyError(parsed.error).split('\n')[0]}`,
      'a baseline is what `--json` of an earlier run wrote',
    );
  }
  if (parsed.data.kind !== kind) {
    throw new UserError(`the baseline ${path} is a report of ${parsed.data.kind}, not of ${kind}`);
  }
  return parsed.data as LabReport & { kind: K };
}
