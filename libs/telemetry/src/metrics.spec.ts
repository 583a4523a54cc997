import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  createApiserverMetrics,
  createCounterFamily,
  createEtcdMetrics,
  createEventLoopMonitor,
  createFailoverMetrics,
  createHistogramFamily,
  createLeaderElectionMetrics,
  createProcessMetrics,
  createRegistry,
  createRestClientMetrics,
  createSchedulerMetrics,
  createWorkqueueMetrics,
} from './index.js';
import type { EtcdMetricsSource, HistogramSnapshot, Registry, RequestLabels } from './index.js';

const listPods: RequestLabels = {
  verb: 'LIST',
  group: '',
  version: 'v1',
  resource: 'pods',
  subresource: '',
  scope: 'namespace',
};
const histogram: HistogramSnapshot = { bounds: [0.001, 0.002], counts: [3, 2, 1], sum: 0.5, count: 6 };
const consensus: EtcdMetricsSource = {
  hasLeader: true,
  isLeader: false,
  isLearner: true,
  promotions: { successes: 1, failures: { LearnerNotReady: 2 } },
  leaderChanges: 2,
  proposalsCommitted: 100,
  proposalsApplied: 99,
  proposalsFailed: 1,
  proposalsPending: 4,
  quotaBytes: 2 ** 31,
  sizeBytes: 5000,
  inUseBytes: 4000,
  alarms: [],
  walFsyncSeconds: histogram,
  threadDelaySeconds: histogram,
  snapshotSeconds: histogram,
  peers: [{ name: 'b', sentBytes: 10, receivedBytes: 20, sendFailures: 0, roundTripSeconds: histogram }],
  logMemoryBytes: 7,
};

/** The four registries as a master shows them, every handle used once. */
function allRegistries(): Record<string, Registry> {
  const build = { major: '1', minor: '36', gitVersion: 'v1.36.0+trireme' };
  const level = { priorityLevel: 'mutating', seats: 200, executing: 1, dispatched: 9, rejected: 2 };
  const apiserver = createApiserverMetrics({
    storageObjects: () => [['pods', 3]],
    longRunning: () => [[{ ...listPods, verb: 'WATCH' }, 4]],
    flow: () => [level],
  });
  apiserver.requestDone({ ...listPods, code: 200, seconds: 0.03 });
  apiserver.requestTerminated(listPods, 504);
  apiserver.clientCertificateExpiresIn(5000);
  const workqueue = createWorkqueueMetrics();
  const queue = workqueue.queue('deployment');
  queue.added();
  queue.depth(1);
  queue.queueDuration(0.002);
  queue.workDuration(0.02);
  queue.retried();
  createRestClientMetrics(workqueue.registry).requestDone({
    method: 'GET',
    host: 'a:6443',
    code: 200,
    seconds: 1,
  });
  createLeaderElectionMetrics(workqueue.registry).setLeader('kube-controller-manager', true);
  const scheduler = createSchedulerMetrics();
  scheduler.attempt('scheduled', 'default-scheduler', 0.002);
  scheduler.algorithm(0.001);
  scheduler.podScheduled(99, 0.02);
  scheduler.pending('active', 2);
  const registries = {
    apiserver: apiserver.registry,
    'controller-manager': workqueue.registry,
    scheduler: scheduler.registry,
    etcd: createEtcdMetrics(() => consensus).registry,
  };
  for (const [component, registry] of Object.entries(registries))
    createProcessMetrics(component, { registry, build });
  return registries;
}

const valueOf = (text: string, sample: string): number => {
  const line = text.split('\n').find((each) => each.startsWith(`${sample} `));
  return Number(line?.slice(sample.length + 1));
};

describe('the exposition of every registry', () => {
  it.each(Object.entries(allRegistries()))(
    '%s: each sample follows HELP and TYPE and is named as Prometheus asks',
    async (_, registry) => {
      const text = await registry.metrics();
      const types = new Map<string, string>();
      let helped = '';
      const seen = new Set<string>();
      for (const line of text.split('\n')) {
        if (line === '') continue;
        const [, what, name, rest] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
        if (what === 'HELP') {
          helped = name!;
          continue;
        }
        if (what === 'TYPE') {
          expect(name).toBe(helped);
          expect(types.has(name!)).toBe(false);
          types.set(name!, rest!);
          // promtool's rules: counters, and only they, end in _total; base units.
          expect({ name, counter: rest === 'counter' }).toEqual({ name, counter: name!.endsWith('_total') });
          if (rest === 'histogram') expect(name).toMatch(/_seconds$/);
          expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
          continue;
        }
        const sample = /^([a-z0-9_]+)(\{(?:[A-Za-z_]+="(?:[^"\\\n]|\\.)*",?)*\})? (\S+)$/.exec(line);
        expect({ line, parsed: sample !== null }).toEqual({ line, parsed: true });
        const family = types.get(sample![1]!) ? sample![1]! : sample![1]!.replace(/_(bucket|sum|count)$/, '');
        expect(family).toBe(helped);
        expect(Number.isNaN(Number(sample![3]!.replace('Inf', 'Infinity')))).toBe(false);
        const identity = line.slice(0, line.lastIndexOf(' '));
        expect(seen).not.toContain(identity);
        seen.add(identity);
      }
      expect(types.get('process_cpu_seconds_total')).toBe('counter');
      expect(types.get('kubernetes_build_info')).toBe('gauge');
      expect(text).toMatch(/kubernetes_build_info\{major="1",minor="36",git_version="v1.36.0\+trireme"/);
    },
  );

  it('holds the names that the dashboards of Kubernetes and etcd read', async () => {
    const registries = allRegistries();
    const names = {
      apiserver: [
        'apiserver_request_total{component="apiserver",group="",version="v1",resource="pods",subresource="",scope="namespace",verb="LIST",dry_run="",code="200"} 1',
        'apiserver_request_sli_duration_seconds_bucket{component="apiserver",group="",version="v1",resource="pods",subresource="",scope="namespace",verb="LIST",le="0.05"} 1',
        'apiserver_storage_objects{resource="pods"} 3',
        'apiserver_current_inflight_requests{request_kind="mutating"} 0',
        'apiserver_flowcontrol_rejected_requests_total{priority_level="mutating",flow_schema="all",reason="concurrency-limit"} 2',
        'apiserver_longrunning_requests{component="apiserver",group="",version="v1",resource="pods",subresource="",scope="namespace",verb="WATCH"} 4',
        'apiserver_request_terminations_total{component="apiserver",code="504",group="",version="v1",resource="pods",subresource="",scope="namespace",verb="LIST"} 1',
      ],
      'controller-manager': [
        'workqueue_adds_total{name="deployment"} 1',
        'workqueue_queue_duration_seconds_bucket{name="deployment",le="0.01"} 1',
        'workqueue_queue_duration_seconds_bucket{name="deployment",le="0.000001"} 0',
        'rest_client_requests_total{code="200",method="GET",host="a:6443"} 1',
        'leader_election_master_status{name="kube-controller-manager"} 1',
      ],
      scheduler: [
        'scheduler_pending_pods{queue="active"} 2',
        'scheduler_pod_scheduling_sli_duration_seconds_count{attempts="15"} 1',
        'scheduler_scheduling_algorithm_duration_seconds_bucket{le="16.384"} 1',
      ],
      etcd: [
        'etcd_server_has_leader 1',
        'etcd_server_is_leader 0',
        'etcd_server_is_learner 1',
        'etcd_server_learner_promote_successes 1',
        'etcd_server_learner_promote_failures{Reason="LearnerNotReady"} 2',
        'etcd_mvcc_db_total_size_in_use_in_bytes 4000',
        'etcd_disk_wal_fsync_duration_seconds_bucket{le="0.002"} 5',
        'etcd_disk_wal_fsync_duration_seconds_bucket{le="+Inf"} 6',
        'etcd_network_peer_sent_bytes_total{To="b"} 10',
        'etcd_network_peer_received_bytes_total{From="b"} 20',
      ],
    };
    for (const [component, lines] of Object.entries(names)) {
      const text = await registries[component]!.metrics();
      for (const line of lines) expect(text.split('\n')).toContain(line);
    }
  });
});

describe('requests', () => {
  it('watches are counted, but how long a client stayed is no duration of the server', async () => {
    const metrics = createApiserverMetrics();
    metrics.requestDone({ ...listPods, verb: 'WATCH', code: 200, seconds: 900 });
    const text = await metrics.registry.metrics();
    expect(text).toMatch(/apiserver_request_total\{.*verb="WATCH".*\} 1/);
    expect(text).not.toMatch(/duration_seconds_count\{.*verb="WATCH"/);
  });

  it('kinds without end, as from hostile paths, stay a bounded number of samples', async () => {
    const metrics = createApiserverMetrics();
    for (let i = 0; i < 10_000; i++) {
      metrics.requestDone({ ...listPods, verb: `V${i}`, resource: `r${i}`, code: 404, seconds: 0.1 });
    }
    const lines = (await metrics.registry.metrics()).split('\n');
    const totals = lines.filter((line) => line.startsWith('apiserver_request_total{'));
    expect(totals.length).toBeLessThanOrEqual(4001);
    expect(lines.length).toBeLessThan(120_000);
    expect(totals.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)).toBe(10_000);
    expect(totals.every((line) => line.includes('verb="other"'))).toBe(true);
  });

  it('one recorder serves every request of its kind', async () => {
    const metrics = createApiserverMetrics();
    const recorder = metrics.request(listPods);
    expect(metrics.request({ ...listPods })).toBe(recorder);
    recorder.observe(200, 0.03);
    recorder.observe(200, 0.3);
    recorder.observe(500, 70);
    const kind =
      'component="apiserver",group="",version="v1",resource="pods",subresource="",scope="namespace",verb="LIST"';
    const text = await metrics.registry.metrics();
    expect(valueOf(text, `apiserver_request_total{${kind},dry_run="",code="200"}`)).toBe(2);
    expect(valueOf(text, `apiserver_request_duration_seconds_bucket{${kind},dry_run="",le="0.4"}`)).toBe(2);
    expect(valueOf(text, `apiserver_request_duration_seconds_bucket{${kind},dry_run="",le="60"}`)).toBe(2);
    expect(valueOf(text, `apiserver_request_duration_seconds_bucket{${kind},dry_run="",le="+Inf"}`)).toBe(3);
    expect(valueOf(text, `apiserver_request_duration_seconds_count{${kind},dry_run=""}`)).toBe(3);
  });
});

describe('families', () => {
  it('an observation on a bound belongs to the bucket of that bound', async () => {
    const registry = createRegistry();
    const child = createHistogramFamily({ registry, name: 'x_seconds', help: 'X.', buckets: [1, 2] }).child();
    for (const value of [0, 1, 1.5, 2, 3]) child.observe(value);
    const text = await registry.metrics();
    expect(['1', '2', '+Inf'].map((le) => valueOf(text, `x_seconds_bucket{le="${le}"}`))).toEqual([2, 4, 5]);
    expect(valueOf(text, 'x_seconds_sum')).toBe(7.5);
  });

  it('a family refuses labels that it does not have, and a second family of its name', () => {
    const registry = createRegistry();
    const family = createCounterFamily({ registry, name: 'x_total', help: 'X.', labelNames: ['a'] });
    expect(() => family.child()).toThrow('x_total has the labels a');
    expect(() => createCounterFamily({ registry, name: 'x_total', help: 'X.' })).toThrow(
      'already been registered',
    );
  });

  it('label values may hold anything', async () => {
    const registry = createRegistry();
    createCounterFamily({ registry, name: 'x_total', help: 'X.', labelNames: ['a'] })
      .child('q"\\\n')
      .increment();
    expect(await registry.metrics()).toContain('x_total{a="q\\"\\\\\\n"} 1');
  });
});

describe('consensus', () => {
  it('is asked once a scrape, may answer later, and is asked anew by the next', async () => {
    let asked = 0;
    const { registry } = createEtcdMetrics(async () => ({ ...consensus, leaderChanges: ++asked }));
    expect(valueOf(await registry.metrics(), 'etcd_server_leader_changes_seen_total')).toBe(1);
    expect(valueOf(await registry.metrics(), 'etcd_server_leader_changes_seen_total')).toBe(2);
    expect(asked).toBe(2);
  });

  it('what is not known is left out rather than shown as zero', async () => {
    const { registry } = createEtcdMetrics(() => ({ ...consensus, inUseBytes: undefined }));
    expect(await registry.metrics()).not.toMatch(/^etcd_mvcc_db_total_size_in_use_in_bytes/m);
  });
});

describe('alarms', () => {
  it('are shown while they are raised, each with its member', async () => {
    const raised = [{ type: 'noSpace', member: 'm1' }];
    const { registry } = createEtcdMetrics(() => ({ ...consensus, alarms: raised }));
    expect(await registry.metrics()).toContain('trireme_alarm{type="noSpace",member="m1"} 1');
    const quiet = createEtcdMetrics(() => consensus);
    expect(await quiet.registry.metrics()).not.toMatch(/^trireme_alarm\{/m);
  });
});

describe('the process', () => {
  afterEach(() => vi.useRealTimers());

  it('tells its own memory, time and descriptors', async () => {
    const text = await createProcessMetrics('etcd').registry.metrics();
    expect(valueOf(text, 'process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(valueOf(text, 'process_cpu_seconds_total')).toBeGreaterThan(0);
    const startedSeconds = valueOf(text, 'process_start_time_seconds');
    expect(Math.abs(startedSeconds + process.uptime() - Date.now() / 1000)).toBeLessThan(5);
    if (process.platform === 'linux') {
      expect(valueOf(text, 'process_open_fds')).toBeGreaterThan(2);
      expect(valueOf(text, 'process_max_fds')).toBeGreaterThan(2);
      expect(valueOf(text, 'process_virtual_memory_bytes')).toBeGreaterThan(1e6);
    }
    expect(text).toContain(`trireme_component_info{component="etcd",node_version="${process.version}"} 1`);
  });

  it('counts by how much its timers are late, in every registry that shows it', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    const monitor = createEventLoopMonitor();
    const registries = [createRegistry(), createRegistry()];
    for (const registry of registries) monitor.register(registry);
    vi.advanceTimersByTime(1050);
    for (const registry of registries) {
      const text = await registry.metrics();
      expect(valueOf(text, 'trireme_event_loop_delay_seconds_count')).toBe(20);
      expect(valueOf(text, 'trireme_event_loop_delay_seconds_bucket{le="0.001"}')).toBe(20);
    }
    monitor.close();
    vi.advanceTimersByTime(1000);
    expect(valueOf(await registries[0]!.metrics(), 'trireme_event_loop_delay_seconds_count')).toBe(20);
  });
});

describe('trireme_failover_duration_seconds', () => {
  it('counts from losing a leader to knowing the next, and no start', async () => {
    const registry = createRegistry();
    const failover = createFailoverMetrics(registry);
    failover.leaderKnown(false, 0);
    failover.leaderKnown(true, 900);
    failover.leaderKnown(true, 950);
    failover.leaderKnown(false, 1_000);
    failover.leaderKnown(false, 1_010);
    failover.leaderKnown(true, 1_030);
    const text = await registry.metrics();
    expect(valueOf(text, 'trireme_failover_duration_seconds_count')).toBe(1);
    expect(valueOf(text, 'trireme_failover_duration_seconds_sum')).toBeCloseTo(0.03);
  });
});
