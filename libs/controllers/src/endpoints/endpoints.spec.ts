import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Endpoints, EndpointSlice, Pod } from '#libs/client';
import { createHarness, object, settle, setPod, until, type Harness } from '../testing/harness.js';
import { createEndpointsController } from './endpoints.js';
import { createEndpointSliceController } from './endpointslice.js';

const serviceOf = (spec: Record<string, unknown> = {}) =>
  object('v1', 'Service', 'web', {
    metadata: { labels: { team: 'a' } },
    spec: {
      selector: { app: 'web' },
      clusterIP: '10.0.0.1',
      ports: [{ name: 'http', port: 80, targetPort: 'http', protocol: 'TCP' }],
      ...spec,
    },
  });
const podOf = (name: string, ip: string | undefined, port = 8080) =>
  object('v1', 'Pod', name, {
    metadata: { labels: { app: 'web' } },
    spec: { nodeName: 'n1', containers: [{ name: 'main', ports: [{ name: 'http', containerPort: port }] }] },
    status:
      ip === undefined
        ? {}
        : { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions: [{ type: 'Ready', status: 'True' }] },
  });

describe('endpoints and endpoint slices', () => {
  let harness: Harness;
  const endpoints = () => harness.api.get<Endpoints>('endpoints', 'default', 'web');
  const slices = () => harness.api.list<EndpointSlice>('endpointslices');
  const addresses = () =>
    slices()
      .flatMap((slice) => slice.endpoints.flatMap((each) => each.addresses))
      .toSorted();
  const start = async () => {
    harness.api.put(
      'nodes',
      object('v1', 'Node', 'n1', {
        namespace: '',
        metadata: { labels: { 'topology.kubernetes.io/zone': 'z1' } },
      }),
    );
    await harness.run(
      createEndpointsController(harness.context),
      createEndpointSliceController(harness.context),
    );
  };
  /** Changes are gathered for a moment: lets that moment pass. */
  const eventually = (condition: () => boolean) =>
    until(() => {
      harness.clock.advance(25);
      return condition();
    });
  beforeEach(() => {
    harness = createHarness();
  });
  afterEach(() => harness.stop());

  it('name the ready pods of a Service with their ports, node and zone', async () => {
    harness.api.put('services', serviceOf());
    harness.api.put('pods', podOf('a', '10.1.0.1'));
    harness.api.put('pods', podOf('b', undefined));
    await start();
    await eventually(() => endpoints()?.subsets !== undefined && slices().length === 1);
    const uid = harness.api.get('pods', 'default', 'a')?.metadata.uid;
    const targetRef = { kind: 'Pod', namespace: 'default', name: 'a', uid };
    expect(endpoints()?.subsets).toEqual([
      {
        addresses: [{ ip: '10.1.0.1', nodeName: 'n1', targetRef }],
        ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      },
    ]);
    expect(slices()[0]).toMatchObject({
      addressType: 'IPv4',
      endpoints: [
        {
          addresses: ['10.1.0.1'],
          conditions: { ready: true, serving: true, terminating: false },
          nodeName: 'n1',
          zone: 'z1',
          targetRef,
        },
      ],
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      metadata: {
        labels: {
          team: 'a',
          'kubernetes.io/service-name': 'web',
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        },
      },
    });
  });

  it('move a pod that is not ready aside, keep one that terminates in its slice only, and drop one that is gone', async () => {
    harness.api.graceful.add('pods');
    harness.api.put('services', serviceOf());
    const pod = harness.api.put('pods', podOf('a', '10.1.0.1')) as Pod;
    await start();
    await eventually(() => endpoints()?.subsets?.[0]?.addresses?.length === 1);
    setPod(harness.api, pod, 'Running', { clock: harness.clock, ready: false });
    await eventually(() => endpoints()?.subsets?.[0]?.notReadyAddresses?.length === 1);
    expect(slices()[0]?.endpoints[0]?.conditions).toEqual({
      ready: false,
      serving: false,
      terminating: false,
    });
    await harness.context.client
      .resource({ group: '', version: 'v1', resource: 'pods' })
      .delete('a', { namespace: 'default' });
    await eventually(() => slices()[0]?.endpoints[0]?.conditions?.terminating === true);
    await eventually(() => endpoints()?.subsets === undefined);
    harness.api.remove('pods', 'default', 'a');
    await eventually(() => addresses().length === 0);
    expect(slices()).toHaveLength(1);
  });

  it('group pods by what a named port means in each', async () => {
    harness.api.put('services', serviceOf());
    harness.api.put('pods', podOf('a', '10.1.0.1', 8080));
    harness.api.put('pods', podOf('b', '10.1.0.2', 9090));
    await start();
    await eventually(() => slices().length === 2 && endpoints()?.subsets?.length === 2);
    expect(
      slices()
        .map((slice) => slice.ports?.[0]?.port)
        .toSorted(),
    ).toEqual([8080, 9090]);
  });

  it('hold at most 100 endpoints a slice, fill free places, and touch only the slices that change', async () => {
    harness.api.put('services', serviceOf());
    for (let at = 0; at < 250; at++) harness.api.put('pods', podOf(`p${at}`, `10.1.${at >> 8}.${at & 255}`));
    await start();
    await eventually(() => addresses().length === 250);
    expect(
      slices()
        .map((slice) => slice.endpoints.length)
        .toSorted(),
    ).toEqual([100, 100, 50]);
    await eventually(() => harness.clock.pending === 0);
    await settle(harness.api);
    const versions = new Map(slices().map((slice) => [slice.metadata.name, slice.metadata.resourceVersion]));
    harness.api.remove('pods', 'default', 'p7');
    harness.api.put('pods', podOf('new', '10.9.9.9'));
    await eventually(() => addresses().includes('10.9.9.9') && !addresses().includes('10.1.0.7'));
    await settle(harness.api);
    expect(slices()).toHaveLength(3);
    const changed = slices().filter(
      (slice) => versions.get(slice.metadata.name) !== slice.metadata.resourceVersion,
    );
    expect(changed.length).toBe(1);
  });

  it('follow a changed selector, and go with the Service', async () => {
    harness.api.put('services', serviceOf());
    harness.api.put('pods', podOf('a', '10.1.0.1'));
    await start();
    await eventually(() => addresses().length === 1);
    harness.api.change(
      'services',
      'default',
      'web',
      (each) => void ((each['spec'] as { selector: unknown }).selector = { app: 'other' }),
    );
    await eventually(() => addresses().length === 0 && endpoints()?.subsets === undefined);
    harness.api.remove('services', 'default', 'web');
    await eventually(() => slices().length === 0 && endpoints() === undefined);
  });

  it('leave a Service without a selector to whoever keeps it by hand', async () => {
    const { selector: _selector, ...spec } = serviceOf()['spec'] as Record<string, unknown>;
    harness.api.put('services', object('v1', 'Service', 'web', { spec }));
    harness.api.put(
      'endpoints',
      object('v1', 'Endpoints', 'web', { subsets: [{ addresses: [{ ip: '1.2.3.4' }] }] }),
    );
    await start();
    await settle(harness.api);
    expect(endpoints()?.subsets?.[0]?.addresses?.[0]?.ip).toBe('1.2.3.4');
    expect(slices()).toHaveLength(0);
  });
});
