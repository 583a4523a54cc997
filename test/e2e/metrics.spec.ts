import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from './support/free-port.js';
import { Api, pki } from './support/api.js';
import { eventually, run, TestCluster } from './support/cluster.js';
import { Program } from './support/program.js';

/** A real Prometheus server scrapes every component of every master, and existing dashboards find their metrics. */

const components = {
  apiserver: 'apiPort',
  etcd: 'etcdMetricsPort',
  'controller-manager': 'controllerManagerPort',
  scheduler: 'schedulerPort',
} as const;
type Component = keyof typeof components;
const masters = 3;

let cluster: TestCluster;
let prometheus: Program;
let prometheusPort = 0;

beforeAll(async () => {
  cluster = await TestCluster.start();
  // Something to measure: objects, queues, bindings, a refused request, the garbage collector at work.
  await cluster.kubectl(['create', 'deployment', 'web', '--image=example/web:1', '--replicas=4']);
  await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=60s']);
  await cluster.tryKubectl(['get', 'pod', 'nobody']);
  prometheusPort = await freePort();
  prometheus = startPrometheus();
});

afterAll(async () => {
  await prometheus.kill();
  await cluster.dispose();
});

function targets(component: Component): string[] {
  return cluster.file().masters.map((master) => `127.0.0.1:${master[components[component]]}`);
}

function startPrometheus(): Program {
  const folder = join(cluster.directory, 'prometheus');
  mkdirSync(folder);
  const files = join(cluster.dataDir, 'pki');
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s' },
    scrape_configs: (Object.keys(components) as Component[]).map((component) => ({
      job_name: component,
      scheme: 'https',
      tls_config: {
        ca_file: join(files, 'ca.crt'),
        cert_file: join(files, 'monitoring.crt'),
        key_file: join(files, 'monitoring.key'),
      },
      static_configs: [{ targets: targets(component) }],
    })),
  };
  // JSON is YAML.
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
  return new Program('prometheus', [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${prometheusPort}`,
  ]);
}

async function ask<T>(path: string): Promise<T> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port: prometheusPort, path, timeout: 5_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        try {
          resolve((JSON.parse(text) as { data: T }).data);
        } catch (error) {
          reject(error as Error);
        }
      });
    })
      .on('error', reject)
      .end();
  });
}

interface Target {
  readonly health: string;
  readonly lastError: string;
  readonly scrapeUrl: string;
}

it('every component of every master is up', async () => {
  const wanted = Object.keys(components).length * masters;
  await eventually(
    'all targets are scraped',
    async () => {
      const { activeTargets } = await ask<{ activeTargets: readonly Target[] }>('/api/v1/targets');
      const failed = activeTargets.filter(({ health }) => health !== 'up');
      if (failed.length > 0)
        throw new Error(failed.map(({ scrapeUrl, lastError }) => `${scrapeUrl} ${lastError}`).join('; '));
      return activeTargets.length === wanted;
    },
    30_000,
  );
});

/** Names that the etcd mixin and the Kubernetes mixin ask for, as operations.md lists them. */
const wantedNames = [
  ['etcd', 'etcd_server_has_leader', masters],
  ['etcd', 'etcd_server_is_leader', masters],
  ['etcd', 'etcd_server_leader_changes_seen_total', masters],
  ['etcd', 'etcd_server_proposals_committed_total', masters],
  ['etcd', 'etcd_server_proposals_applied_total', masters],
  ['etcd', 'etcd_server_proposals_failed_total', masters],
  ['etcd', 'etcd_server_proposals_pending', masters],
  ['etcd', 'etcd_server_quota_backend_bytes', masters],
  ['etcd', 'etcd_disk_wal_fsync_duration_seconds_bucket', masters],
  ['etcd', 'etcd_disk_backend_commit_duration_seconds_bucket', masters],
  ['etcd', 'etcd_mvcc_db_total_size_in_bytes', masters],
  ['etcd', 'etcd_mvcc_db_total_size_in_use_in_bytes', masters],
  ['etcd', 'etcd_network_peer_round_trip_time_seconds_bucket', 1],
  ['etcd', 'etcd_network_peer_sent_bytes_total', masters],
  ['etcd', 'etcd_network_peer_received_bytes_total', masters],
  ['apiserver', 'apiserver_request_total', masters],
  ['apiserver', 'apiserver_request_duration_seconds_bucket', masters],
  ['apiserver', 'apiserver_request_sli_duration_seconds_bucket', masters],
  ['apiserver', 'apiserver_current_inflight_requests', masters],
  ['apiserver', 'apiserver_storage_objects', masters],
  ['apiserver', 'kubernetes_build_info', masters],
  ['apiserver', 'process_resident_memory_bytes', masters],
  ['apiserver', 'process_cpu_seconds_total', masters],
  ['controller-manager', 'workqueue_adds_total', 1],
  ['controller-manager', 'workqueue_depth', 1],
  ['controller-manager', 'workqueue_queue_duration_seconds_bucket', 1],
  ['controller-manager', 'workqueue_work_duration_seconds_bucket', 1],
  ['controller-manager', 'workqueue_retries_total', 1],
  ['controller-manager', 'rest_client_requests_total', 1],
  ['controller-manager', 'leader_election_master_status', masters],
  ['scheduler', 'scheduler_scheduling_attempt_duration_seconds_bucket', 1],
  ['scheduler', 'scheduler_scheduling_algorithm_duration_seconds_bucket', 1],
  ['scheduler', 'scheduler_pod_scheduling_sli_duration_seconds_bucket', 1],
  ['scheduler', 'scheduler_pending_pods', 1],
] as const;

interface Sample {
  readonly value: readonly [number, string];
}

async function query(expression: string): Promise<readonly Sample[]> {
  return (await ask<{ result: readonly Sample[] }>(`/api/v1/query?query=${encodeURIComponent(expression)}`))
    .result;
}

describe('what dashboards ask for', () => {
  it.each(wantedNames)('%s: %s', async (component, name, atLeast) => {
    await eventually(
      `${name} of at least ${atLeast} masters`,
      async () =>
        Number((await query(`count(count by (instance) (${name}{job="${component}"}))`))[0]?.value[1] ?? 0) >=
        atLeast,
      15_000,
    );
  });

  it.each([
    ['exactly one leader', 'sum(etcd_server_is_leader{job="etcd"})', 1],
    ['all see it', 'sum(etcd_server_has_leader{job="etcd"})', masters],
    ['the pods are counted', 'max(apiserver_storage_objects{job="apiserver",resource="pods"})', 4],
    [
      'a request that found nothing',
      'sum(apiserver_request_total{job="apiserver",code="404",resource="pods",verb="GET"}) > bool 0',
      1,
    ],
  ])('%s', async (_, expression, value) => {
    await eventually(
      `${expression} = ${value}`,
      async () => Number((await query(expression))[0]?.value[1]) === value,
      15_000,
    );
  });
});

it.each(Object.keys(components) as Component[])(
  'promtool finds no fault in the metrics of %s',
  async (component) => {
    for (const target of targets(component)) {
      const api = monitoring(`https://${target}`);
      const { status, text, headers } = await api.call('GET', '/metrics');
      api.close();
      expect(status).toBe(200);
      expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
      const checked = await run('promtool', ['check', 'metrics'], { input: text });
      expect(checked, checked.stdout + checked.stderr).toMatchObject({ code: 0, stdout: '', stderr: '' });
    }
  },
);

function monitoring(server: string): Api {
  return Api.of(cluster, {
    server,
    identity: { cert: pki(cluster, 'monitoring.crt'), key: pki(cluster, 'monitoring.key') },
  });
}

it('the monitoring certificate reads metrics and nothing else; without one there is nothing to read', async () => {
  const [server] = targets('apiserver');
  const monitor = monitoring(`https://${server}`);
  expect((await monitor.call('GET', '/api/v1/secrets')).status).toBe(403);
  monitor.close();
  for (const component of Object.keys(components) as Component[]) {
    const nobody = Api.of(cluster, { server: `https://${targets(component)[0]}`, identity: {} });
    expect((await nobody.call('GET', '/metrics')).status, component).toBe(401);
    nobody.close();
  }
});
