import { describe, expect, it } from 'vitest';
import type { Pod } from '#libs/client';
import { addressesOf } from './addresses.js';
import { exitCodeAnnotation, nextStep } from './pod-lifecycle.js';

const delays = { startMs: 500, runMs: 2_000, stopMs: 0 };
const node = addressesOf(0);
const start = Date.parse('2026-01-01T00:00:00Z');

function pod(change: Partial<Pod> & { readonly annotations?: Record<string, string> } = {}): Pod {
  const { annotations, ...rest } = change;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'p',
      namespace: 'default',
      uid: 'u-1',
      ...(annotations === undefined ? {} : { annotations }),
    },
    spec: { nodeName: 'node-1', containers: [{ name: 'c', image: 'i' }] },
    ...rest,
  };
}

describe('the life of a simulated pod', () => {
  it('waits for its start delay, counted from when it was bound', () => {
    expect(nextStep(pod(), start, start + 200, delays, node)).toEqual({ action: 'wait', ms: 300 });
  });

  it('then runs: ready, with an address on its node', () => {
    const step = nextStep(pod(), start, start + 500, delays, node);
    expect(step).toMatchObject({
      action: 'status',
      status: { phase: 'Running', podIP: node.podIP('u-1'), containerStatuses: [{ ready: true }] },
    });
  });

  it('keeps running when it is meant to', () => {
    const running = pod({ status: { phase: 'Running', startTime: '2026-01-01T00:00:00Z' } });
    expect(nextStep(running, start, start + 1e9, delays, node)).toEqual({ action: 'none' });
  });

  it('succeeds after its run time when it is meant to end', () => {
    const job = pod({
      spec: { nodeName: 'node-1', restartPolicy: 'Never', containers: [{ name: 'c' }] },
      status: { phase: 'Running', startTime: '2026-01-01T00:00:00Z' },
    });
    expect(nextStep(job, start, start + 1_999, delays, node)).toEqual({ action: 'wait', ms: 1 });
    expect(nextStep(job, start, start + 2_000, delays, node)).toMatchObject({
      status: { phase: 'Succeeded' },
    });
  });

  it('fails with the exit code that its annotation asks for', () => {
    const job = pod({
      annotations: { [exitCodeAnnotation]: '3' },
      spec: { nodeName: 'node-1', restartPolicy: 'Never', containers: [{ name: 'c' }] },
      status: { phase: 'Running', startTime: '2026-01-01T00:00:00Z' },
    });
    expect(nextStep(job, start, start + 2_000, delays, node)).toMatchObject({
      status: { phase: 'Failed', containerStatuses: [{ state: { terminated: { exitCode: 3 } } }] },
    });
  });

  it('is removed when it has taken its time to stop', () => {
    const deleted = pod();
    deleted.metadata.deletionTimestamp = '2026-01-01T00:00:30Z';
    deleted.metadata.deletionGracePeriodSeconds = 30;
    expect(nextStep(deleted, start, start + 100, { ...delays, stopMs: 200 }, node)).toEqual({
      action: 'wait',
      ms: 100,
    });
    expect(nextStep(deleted, start, start + 200, { ...delays, stopMs: 200 }, node)).toEqual({
      action: 'remove',
    });
  });

  it('never takes longer to stop than its grace period', () => {
    const deleted = pod();
    deleted.metadata.deletionTimestamp = '2026-01-01T00:00:05Z';
    deleted.metadata.deletionGracePeriodSeconds = 5;
    expect(nextStep(deleted, start, start + 1_000, { ...delays, stopMs: 60_000 }, node)).toEqual({
      action: 'wait',
      ms: 4_000,
    });
  });
});

describe('addresses', () => {
  it('gives a pod the same address each time, and different pods different ones', () => {
    const own = addressesOf(300);
    expect(own.podIP('a')).toBe(own.podIP('a'));
    expect(own.podIP('a')).not.toBe(own.podIP('b'));
    expect(own.podCIDR).toBe('10.129.44.0/24');
  });
});
