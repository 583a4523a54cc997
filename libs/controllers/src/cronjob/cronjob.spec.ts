import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CronJob, Job } from '#libs/client';
import { createHarness, object, settle, template, until, type Harness } from '../testing/harness.js';
import { createCronJobController } from './cronjob.js';
import { parseSchedule } from './schedule.js';

describe('schedule', () => {
  const next = (schedule: string, after: string, zone?: string) => {
    const atMs = parseSchedule(schedule, zone).next(Date.parse(after));
    return atMs === undefined ? undefined : new Date(atMs).toISOString();
  };
  it.each<[string, string, string]>([
    ['* * * * *', '2026-01-01T00:00:30Z', '2026-01-01T00:01:00.000Z'],
    ['*/15 * * * *', '2026-01-01T00:15:00Z', '2026-01-01T00:30:00.000Z'],
    ['0 9-17/4 * * mon-fri', '2026-01-02T17:30:00Z', '2026-01-05T09:00:00.000Z'],
    ['30 4 1,15 * 5', '2026-01-01T05:00:00Z', '2026-01-02T04:30:00.000Z'],
    ['0 0 29 2 *', '2026-01-01T00:00:00Z', '2028-02-29T00:00:00.000Z'],
    ['@daily', '2026-01-01T10:00:00Z', '2026-01-02T00:00:00.000Z'],
    ['@every 90s', '2026-01-01T10:00:00Z', '2026-01-01T10:01:30.000Z'],
    ['5 4 * jan ?', '2026-02-01T00:00:00Z', '2027-01-01T04:05:00.000Z'],
  ])('%s after %s comes at %s', (schedule, after, wanted) => {
    expect(next(schedule, after)).toBe(wanted);
  });

  it('reads the wall clock of its time zone, through the change to summer time', () => {
    expect(next('0 9 * * *', '2026-03-28T12:00:00Z', 'Europe/Berlin')).toBe('2026-03-29T07:00:00.000Z');
    expect(next('0 9 * * *', '2026-03-27T12:00:00Z', 'Europe/Berlin')).toBe('2026-03-28T08:00:00.000Z');
  });

  it('never comes on the 30th of February', () => {
    expect(next('0 0 30 2 *', '2026-01-01T00:00:00Z')).toBeUndefined();
  });

  it.each(['', '* * * *', '60 * * * *', '* 24 * * *', '*/0 * * * *', 'a * * * *', '5-1 * * * *'])(
    'refuses %j',
    (text) => {
      expect(() => parseSchedule(text)).toThrow(/schedule|within|step|number/);
    },
  );
});

describe('cronjob', () => {
  let harness: Harness;
  const jobs = () => harness.api.list<Job>('jobs');
  const cron = () => harness.api.get<CronJob>('cronjobs', 'default', 'tick');
  const end = (job: Job, type: 'Complete' | 'Failed') =>
    harness.api.change('jobs', 'default', job.metadata.name ?? '', (each) => {
      (each as Job).status = {
        conditions: [{ type, status: 'True' }],
        completionTime: '2026-01-01T00:01:05Z',
      };
    });
  const start = async (spec: Record<string, unknown> = {}) => {
    harness.api.put(
      'cronjobs',
      object('batch/v1', 'CronJob', 'tick', {
        spec: {
          schedule: '* * * * *',
          jobTemplate: { metadata: { labels: { a: 'b' } }, spec: { template: template('tick') } },
          ...spec,
        },
      }),
    );
    await harness.run(createCronJobController(harness.context));
    await settle(harness.api);
  };
  const minute = async (minutes = 1) => {
    harness.clock.advance(minutes * 60_000 + 100);
    await settle(harness.api);
  };
  beforeEach(() => {
    harness = createHarness();
  });
  afterEach(() => harness.stop());

  it('starts one Job at each time, named by the time', async () => {
    await start();
    await minute();
    expect(jobs()).toHaveLength(1);
    expect(jobs()[0]?.metadata).toMatchObject({
      name: `tick-${Date.parse('2026-01-01T00:01:00Z') / 60_000}`,
      labels: { a: 'b' },
    });
    expect(cron()?.status).toMatchObject({
      lastScheduleTime: '2026-01-01T00:01:00Z',
      active: [{ name: jobs()[0]?.metadata.name }],
    });
    await minute();
    expect(jobs()).toHaveLength(2);
  });

  it('makes up for missed times once, with the latest', async () => {
    await start({ suspend: true });
    await minute(10);
    expect(jobs()).toHaveLength(0);
    harness.api.change(
      'cronjobs',
      'default',
      'tick',
      (each) => void ((each as CronJob).spec.suspend = false),
    );
    await until(() => jobs().length === 1);
    await settle(harness.api);
    expect(jobs()).toHaveLength(1);
    expect(cron()?.status?.lastScheduleTime).toBe('2026-01-01T00:10:00Z');
  });

  it.each([
    ['Allow', 2],
    ['Forbid', 1],
    ['Replace', 1],
  ])('%s leaves %i Jobs after two times', async (concurrencyPolicy, count) => {
    await start({ concurrencyPolicy });
    await minute();
    const [first] = jobs();
    await minute();
    expect(jobs()).toHaveLength(count);
    expect(jobs().some((job) => job.metadata.uid === first?.metadata.uid)).toBe(
      concurrencyPolicy !== 'Replace',
    );
  });

  it('keeps no more finished Jobs than the limits say, and notes the last success', async () => {
    await start({ successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 0 });
    for (const type of ['Complete', 'Complete', 'Failed'] as const) {
      await minute();
      const [newest] = jobs().toReversed();
      if (newest !== undefined) end(newest, type);
      await settle(harness.api);
    }
    expect(jobs()).toHaveLength(1);
    expect(cron()?.status?.lastSuccessfulTime).toBe('2026-01-01T00:01:05Z');
    expect(cron()?.status?.active).toBeUndefined();
  });

  it('reports a schedule that it cannot read', async () => {
    await start({ schedule: 'nonsense' });
    await until(() => harness.events.some((event) => event.startsWith('UnparseableSchedule')));
  });
});
