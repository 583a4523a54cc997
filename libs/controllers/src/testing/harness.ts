import type { KubernetesObject } from '#libs/apimachinery';
import {
  bindSignal,
  createClient,
  createEventRecorder,
  createFakeClock,
  createInformerFactory,
  formatTime,
  systemClock,
  type FakeClock,
  type Pod,
} from '#libs/client';
import type { Controller, ControllerContext } from '../context.js';
import { FakeApi } from './fake-api.js';

export interface Harness {
  readonly api: FakeApi;
  readonly clock: FakeClock;
  readonly context: ControllerContext;
  readonly errors: unknown[];
  readonly events: string[];
  run(...controllers: Controller[]): Promise<void>;
  stop(): Promise<void>;
}

/** SPEC ONLY: controllers over a fake API and a clock that stands still. */
export function createHarness(): Harness {
  const clock = createFakeClock();
  const api = new FakeApi(clock);
  const stopper = new AbortController();
  const client = createClient(bindSignal(api, stopper.signal));
  const errors: unknown[] = [];
  const events: string[] = [];
  const informers = createInformerFactory({ client, clock, onError: (error) => errors.push(error) });
  const running: Promise<void>[] = [];
  const context: ControllerContext = {
    client,
    informers,
    clock,
    random: () => 0.5,
    recorderFor: (component) => {
      const recorder = createEventRecorder({ client, component, clock });
      return {
        flush: () => recorder.flush(),
        event: (object, type, reason, message) => {
          events.push(`${reason} ${message}`);
          recorder.event(object, type, reason, message);
        },
      };
    },
    onError: (error) => errors.push(error),
  };
  return {
    api,
    clock,
    context,
    errors,
    events,
    async run(...controllers) {
      for (const controller of controllers) running.push(controller.start(stopper.signal));
      informers.start(stopper.signal);
      await informers.synced();
    },
    async stop() {
      stopper.abort();
      await Promise.all(running);
    },
  };
}

/** Waits, on the event loop alone, until `condition` holds; fails after some seconds with what it waited for. */
export async function until(condition: () => boolean, what = condition.toString()): Promise<void> {
  const deadlineMs = systemClock.now() + 8_000;
  while (!condition()) {
    if (systemClock.now() > deadlineMs) throw new Error(`never came true: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Lets everything that can happen without time passing happen: rounds of the loop until no request is made in 20. */
export async function settle(api: FakeApi): Promise<void> {
  let quiet = 0;
  let seen = api.requests.length;
  const limit = seen + 20_000;
  while (quiet < 20) {
    if (seen > limit) throw new Error('the controllers never come to rest');
    await new Promise((resolve) => setImmediate(resolve));
    quiet = api.requests.length === seen ? quiet + 1 : 0;
    seen = api.requests.length;
  }
}

export function object(
  apiVersion: string,
  kind: string,
  name: string,
  rest: Record<string, unknown> & {
    metadata?: Partial<KubernetesObject['metadata']>;
    namespace?: string;
  } = {},
): KubernetesObject {
  const { metadata, namespace = 'default', ...fields } = rest;
  return {
    apiVersion,
    kind,
    ...fields,
    metadata: { name, ...(namespace === '' ? {} : { namespace }), ...metadata },
  };
}

export const template = (app: string, image = 'image:1') => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: 'main', image }], restartPolicy: 'Always' },
});

/** Plays the kubelet: all (or the chosen) pods that run become ready. */
export function makeReady(api: FakeApi, clock: FakeClock, choose: (pod: Pod) => boolean = () => true): void {
  for (const pod of api.list<Pod>('pods')) {
    if (
      !choose(pod) ||
      pod.status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True')
    )
      continue;
    setPod(api, pod, 'Running', { clock, ready: true });
  }
}

export function setPod(
  api: FakeApi,
  pod: Pod,
  phase: NonNullable<NonNullable<Pod['status']>['phase']>,
  options: { clock: FakeClock; ready?: boolean } & Partial<NonNullable<Pod['status']>>,
): void {
  const { clock, ready = false, ...status } = options;
  api.change('pods', pod.metadata.namespace ?? '', pod.metadata.name ?? '', (object) => {
    object['status'] = {
      ...(object['status'] as object | undefined),
      ...status,
      phase,
      conditions: [
        { type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: formatTime(clock.now()) },
      ],
    };
  });
}
