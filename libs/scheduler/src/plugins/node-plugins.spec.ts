import { describe, expect, it } from 'vitest';
import { CycleState } from '../framework/cycle-state.js';
import { Fixture } from '../testing/fixture.js';
import { makeNode, makePod } from '../testing/objects.js';

const score = (fixture: Fixture, plugin: string, pod = makePod('p')) =>
  fixture.scores(plugin, pod, new CycleState());

describe('NodeUnschedulable and TaintToleration', () => {
  const taint = { key: 'dedicated', value: 'db', effect: 'NoSchedule' as const };

  it('keeps pods off cordoned nodes, unless they tolerate it', () => {
    const fixture = new Fixture([makeNode('a', { unschedulable: true })]);
    expect(fixture.choose(makePod('p'))).toBe('0/1 nodes are available: 1 node(s) were unschedulable.');
    const tolerations = [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' as const }];
    expect(fixture.choose(makePod('q', { tolerations }))).toBe('a');
  });

  it('keeps pods off tainted nodes, unless key, value and effect are tolerated', () => {
    const fixture = new Fixture([makeNode('a', { taints: [taint] })]);
    const refused = '0/1 nodes are available: 1 node(s) had untolerated taint(s).';
    const withToleration = (toleration: Parameters<typeof Object.assign>[0]) =>
      fixture.choose(makePod('p', { tolerations: [toleration as object] }));
    expect(fixture.choose(makePod('p'))).toBe(refused);
    expect(withToleration({ key: 'dedicated', value: 'web' })).toBe(refused);
    expect(withToleration({ key: 'dedicated', operator: 'Exists', effect: 'NoExecute' })).toBe(refused);
    expect(withToleration({ key: 'dedicated', value: 'db', effect: 'NoSchedule' })).toBe('a');
    expect(withToleration({ operator: 'Exists' })).toBe('a');
  });

  it('prefers nodes without PreferNoSchedule taints, and has no say where there are none', () => {
    const soft = { key: 'old', effect: 'PreferNoSchedule' as const };
    const fixture = new Fixture([makeNode('a', { taints: [soft] }), makeNode('b')]);
    expect(score(fixture, 'TaintToleration')).toEqual({ a: 0, b: 100 });
    expect(score(new Fixture([makeNode('a')]), 'TaintToleration')).toBeUndefined();
  });
});

describe('NodeAffinity', () => {
  const nodes = [
    makeNode('a', { labels: { disk: 'ssd', size: '3' } }),
    makeNode('b', { labels: { disk: 'hdd' } }),
  ];
  const required = (
    ...matchExpressions: { key: string; operator: 'In' | 'Gt' | 'DoesNotExist'; values?: string[] }[]
  ) => ({
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] },
    },
  });

  it('admits what nodeSelector and all required expressions admit', () => {
    const fixture = new Fixture(nodes);
    expect(fixture.choose(makePod('p', { nodeSelector: { disk: 'hdd' } }))).toBe('b');
    expect(
      fixture.choose(makePod('p', { affinity: required({ key: 'size', operator: 'Gt', values: ['2'] }) })),
    ).toBe('a');
    expect(
      fixture.choose(makePod('p', { affinity: required({ key: 'size', operator: 'DoesNotExist' }) })),
    ).toBe('b');
    expect(
      fixture.choose(
        makePod('p', {
          nodeSelector: { disk: 'ssd' },
          affinity: required({ key: 'size', operator: 'DoesNotExist' }),
        }),
      ),
    ).toBe("0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.");
  });

  it('looks at no other node where the node is named, as a DaemonSet does', () => {
    const fixture = new Fixture(nodes);
    const affinity = {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            { matchFields: [{ key: 'metadata.name', operator: 'In' as const, values: ['b'] }] },
          ],
        },
      },
    };
    expect(fixture.choose(makePod('p', { affinity }))).toBe('b');
    fixture.place(makePod('full', { cpu: '4' }), 'b');
    expect(fixture.choose(makePod('q', { affinity, cpu: '1' }))).toBe(
      "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't satisfy plugin(s) [NodeAffinity].",
    );
  });

  it('scores by the sum of the weights of preferences that hold', () => {
    const preference = (key: string, value: string) => ({
      matchExpressions: [{ key, operator: 'In' as const, values: [value] }],
    });
    const affinity = {
      nodeAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 30, preference: preference('disk', 'ssd') },
          { weight: 10, preference: preference('size', '3') },
          { weight: 10, preference: preference('disk', 'hdd') },
        ],
      },
    };
    expect(score(new Fixture(nodes), 'NodeAffinity', makePod('p', { affinity }))).toEqual({ a: 100, b: 25 });
  });
});

describe('NodePorts', () => {
  it('gives a host port to one pod of a node', () => {
    const fixture = new Fixture([makeNode('a')]);
    expect(fixture.schedule(makePod('p', { hostPort: 80 }))).toBe('a');
    expect(fixture.schedule(makePod('q', { hostPort: 80 }))).toBe(
      "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
    );
    expect(fixture.schedule(makePod('r', { hostPort: 81 }))).toBe('a');
  });

  it('tells addresses and protocols apart, but 0.0.0.0 is every address', () => {
    const withPort = (name: string, hostIP: string, protocol: string) =>
      makePod(name, {
        containers: [{ name: 'c', ports: [{ containerPort: 1, hostPort: 80, hostIP, protocol }] }],
      });
    const fixture = new Fixture([makeNode('a')]);
    expect(fixture.schedule(withPort('p', '10.0.0.1', 'TCP'))).toBe('a');
    expect(fixture.schedule(withPort('q', '10.0.0.2', 'TCP'))).toBe('a');
    expect(fixture.schedule(withPort('r', '10.0.0.1', 'UDP'))).toBe('a');
    expect(fixture.schedule(withPort('s', '0.0.0.0', 'TCP'))).toContain('free ports');
    expect(fixture.schedule(withPort('t', '0.0.0.0', 'UDP'))).toContain('free ports');
  });
});

describe('NodeResourcesFit', () => {
  it('names each resource that lacks, extended ones too', () => {
    const fixture = new Fixture([makeNode('a', { allocatable: { cpu: '1', memory: '1Gi', pods: '1' } })]);
    const requests = { cpu: '2', memory: '2Gi', 'example.com/gpu': '1' };
    expect(fixture.choose(makePod('p', { containers: [{ name: 'c', resources: { requests } }] }))).toBe(
      '0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient example.com/gpu, 1 Insufficient memory.',
    );
    fixture.place(makePod('other'), 'a');
    expect(fixture.choose(makePod('q'))).toBe('0/1 nodes are available: 1 Too many pods.');
  });

  it('counts the peak of init containers beside sidecars, and overhead', () => {
    const c = (name: string, cpu: string, restartPolicy?: string) => ({
      name,
      resources: { requests: { cpu } },
      ...(restartPolicy === undefined ? {} : { restartPolicy }),
    });
    const fixture = new Fixture([makeNode('a', { allocatable: { cpu: '4' } })]);
    const pod = makePod('p', {
      initContainers: [c('sidecar', '1', 'Always'), c('init', '2500m')],
      containers: [c('main', '1')],
      overhead: { cpu: '500m' },
    });
    expect(fixture.info(pod).shape.requests.milliCpu).toBe(4_000);
    expect(fixture.choose(pod)).toBe('a');
  });

  it('gives back what a pod held when it is deleted, finishes, or its binding fails', () => {
    const fixture = new Fixture([makeNode('a')]);
    const first = fixture.place(makePod('p', { cpu: '3' }), 'a');
    expect(fixture.choose(makePod('q', { cpu: '3' }))).toContain('Insufficient cpu');
    fixture.cache.setPod({ ...first, status: { phase: 'Succeeded' } });
    const info = fixture.info(makePod('r', { cpu: '3' }));
    fixture.cache.assume(info, fixture.cache.nodeByName('a')!);
    expect(fixture.choose(makePod('s', { cpu: '3' }))).toContain('Insufficient cpu');
    fixture.cache.forget(info);
    expect(fixture.choose(makePod('t', { cpu: '3' }))).toBe('a');
    expect(fixture.cache.nodeByName('a')?.requested.milliCpu).toBe(0);
  });

  it('prefers the node with most left, and taking cpu and memory in like shares', () => {
    const fixture = new Fixture([makeNode('a'), makeNode('b')]);
    fixture.place(makePod('p', { cpu: '2', memory: '4Gi' }), 'a');
    const pod = makePod('q', { cpu: '1', memory: '2Gi' });
    expect(score(fixture, 'NodeResourcesFit', pod)).toEqual({ a: 25, b: 75 });
    expect(score(fixture, 'NodeResourcesBalancedAllocation', pod)).toEqual({ a: 100, b: 100 });
    expect(score(fixture, 'NodeResourcesBalancedAllocation', makePod('r', { cpu: '2' }))).toEqual({
      a: 75,
      b: 75,
    });
  });
});

describe('ImageLocality', () => {
  it('prefers nodes that have the image, less so where few have it', () => {
    const images = [{ names: ['app:latest'], sizeBytes: 1000 * 1024 * 1024 }];
    const fixture = new Fixture([makeNode('a', { images }), makeNode('b')]);
    expect(score(fixture, 'ImageLocality')).toEqual({ a: 48, b: 0 });
    expect(score(fixture, 'ImageLocality', makePod('p', { image: 'other' }))).toBeUndefined();
  });
});
