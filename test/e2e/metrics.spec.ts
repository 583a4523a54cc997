import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from './support/free-port.js';
import { Api, pki } from './support/api.js';
import { chart } from './support/chart.js';
import { eventually, run, TestCluster } from './support/cluster.js';
import { Program } from './support/program.js';

/** A real Prometheus server scrapes every component of every master, and existing dashboards find their metrics. */

/** By the `job` labels that the mixins expect. */
const components = {
  'kube-apiserver': 'apiPort',
  etcd: 'etcdMetricsPort',
  'kube-controller-manager': 'controllerManagerPort',
  'kube-scheduler': 'schedulerPort',
  kubelet: undefined,
} as const;
type Component = keyof typeof components;
const masters = 3;
const targetCount = 4 * masters + 1;

const fixture = (path: string): unknown =>
  JSON.parse(readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8'));
const mixins = fixture('fixtures/mixin-metrics.json') as Readonly<Record<Component, readonly string[]>>;

let cluster: TestCluster;
let prometheus: Program;
let prometheusPort = 0;

beforeAll(async () => {
  cluster = await TestCluster.start();
  // Something to measure: objects, queues, bindings, a refused request, the garbage collector at work.
  await cluster.kubectl(['create', 'deployment', 'web', '--image=example/web:1', '--replicas=4']);
  await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=60s']);
  await cluster.tryKubectl(['get', 'pod', 'nobody']);
  await cluster.kubectl(['get', 'pods']);
  prometheusPort = await freePort();
  prometheus = startPrometheus();
});

afterAll(async () => {
  await prometheus.kill();
  await cluster.dispose();
});

function targets(component: Component): string[] {
  const port = components[component];
  const { masters: all, nodesPort } = cluster.file();
  return port === undefined ? [`127.0.0.1:${nodesPort}`] : all.map((master) => `127.0.0.1:${master[port]}`);
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
      ...(component === 'kube-apiserver' ? { params: { component: ['apiserver'] } } : {}),
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
  await eventually(
    'all targets are scraped',
    async () => {
      const { activeTargets } = await ask<{ activeTargets: readonly Target[] }>('/api/v1/targets');
      const failed = activeTargets.filter(({ health }) => health !== 'up');
      if (failed.length > 0)
        throw new Error(failed.map(({ scrapeUrl, lastError }) => `${scrapeUrl} ${lastError}`).join('; '));
      return activeTargets.length === targetCount;
    },
    30_000,
  );
});

interface Sample {
  readonly value: readonly [number, string];
}

async function query(expression: string): Promise<readonly Sample[]> {
  return (await ask<{ result: readonly Sample[] }>(`/api/v1/query?query=${encodeURIComponent(expression)}`))
    .result;
}

/** `name{matchers}` with the job among the matchers. */
function selectorOf(selector: string, job: string): string {
  const [, name, matchers = ''] = /^(\w+)(?:\{(.*)\})?$/.exec(selector) ?? [];
  return `${name}{job="${job}"${matchers === '' ? '' : `,${matchers}`}}`;
}

const isNonEmpty = async (expression: string): Promise<boolean> => (await query(expression)).length > 0;

/** Names of metrics in the queries of our own dashboards and alerts; histograms by one of their series. */
function ownNames(): readonly string[] {
  const files = ['dashboards/api.json', 'dashboards/consensus.json', 'alerts/trireme.yaml'];
  const text = files.map((file) => readFileSync(join(chart, file), 'utf8')).join('\n');
  const known = /\b(?:apiserver|etcd|trireme|workqueue|rest_client|scheduler|process)_[a-z_]+\b/g;
  const silent = new Set([
    // No series while nothing is wrong.
    'trireme_alarm',
    'apiserver_request_terminations_total',
    // With --events-store alone: events-in-redis.spec.ts finds it.
    'trireme_events_store_up',
  ]);
  return [...new Set(text.match(known))].filter((name) => !silent.has(name));
}

describe('what dashboards ask for', () => {
  const wanted = (Object.keys(components) as Component[]).flatMap((job) =>
    mixins[job].map((selector) => selectorOf(selector, job)),
  );

  it.each(wanted)('the mixins find %s', async (selector) => {
    await eventually(`${selector} returns data`, async () => isNonEmpty(selector), 20_000);
  });

  it.each(ownNames())('our own dashboards and alerts find %s', async (name) => {
    await eventually(`${name} returns data`, async () => isNonEmpty(name), 20_000);
  });

  it.each([
    ['exactly one leader', 'sum(etcd_server_is_leader{job="etcd"})', 1],
    ['all see it', 'sum(etcd_server_has_leader{job="etcd"})', masters],
    ['the pods are counted', 'max(apiserver_storage_objects{job="kube-apiserver",resource="pods"})', 4],
    [
      'a request that found nothing',
      'sum(apiserver_request_total{job="kube-apiserver",code="404",resource="pods",verb="GET"}) > bool 0',
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
  const [server] = targets('kube-apiserver');
  const monitor = monitoring(`https://${server}`);
  expect((await monitor.call('GET', '/api/v1/secrets')).status).toBe(403);
  monitor.close();
  for (const component of Object.keys(components) as Component[]) {
    const nobody = Api.of(cluster, { server: `https://${targets(component)[0]}`, identity: {} });
    expect((await nobody.call('GET', '/metrics')).status, component).toBe(401);
    nobody.close();
  }
});
