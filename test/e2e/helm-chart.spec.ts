import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadClusterConfig } from '../../apps/master/src/config.js';
import {
  type Container,
  chart,
  LocalPod,
  objectsOf,
  type PodSpec,
  podsOf,
  type Rendered,
} from './support/chart.js';
import { type CommandResult, eventually, run, TestCluster } from './support/cluster.js';
import { Program } from './support/program.js';

/** The product's own chart: rendered for several sets of values, installed, and its masters run from what it mounts. */

const valueSets = readdirSync(join(chart, 'ci'));
const namespace = 'control-planes';
let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.start({ nodes: 6 });
  await cluster.kubectl(['create', 'namespace', namespace]);
});

afterAll(async () => {
  await cluster.dispose();
});

const helm = async (...args: readonly string[]): Promise<CommandResult> =>
  cluster.tryHelm(['-n', namespace, ...args]);

async function render(values: string): Promise<{ yaml: string; objects: Rendered[] }> {
  const rendered = await helm('template', 'site', chart, '-f', join(chart, 'ci', values));
  expect(rendered.code, rendered.stderr).toBe(0);
  return { yaml: rendered.stdout, objects: objectsOf(rendered.stdout) };
}

describe.each(valueSets)('with the values of %s', (values) => {
  it('passes helm’s strict lint, and masters accept the configuration', async () => {
    const linted = await helm('lint', '--strict', chart, '-f', join(chart, 'ci', values));
    expect(linted, linted.stdout + linted.stderr).toMatchObject({ code: 0 });
    const { objects } = await render(values);
    const config = objects.find(
      ({ kind, data }) => kind === 'ConfigMap' && data?.['config.json'] !== undefined,
    );
    const file = join(cluster.directory, `${values}.json`);
    writeFileSync(file, config?.data?.['config.json'] ?? '');
    const { replicas } = objects.find(({ kind }) => kind === 'StatefulSet')?.spec ?? {};
    expect(loadClusterConfig(file).members).toHaveLength(replicas as number);
  });

  it('gives no pod more than it needs', async () => {
    const { objects } = await render(values);
    const pods = objects.flatMap(podsOf);
    expect(pods.length).toBeGreaterThan(1);
    for (const pod of pods) {
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      // Variables of Services would look like settings: a Service `trireme` makes TRIREME_PORT.
      expect(pod.enableServiceLinks).toBe(false);
      expect(pod.automountServiceAccountToken).toBe(pod.serviceAccountName !== undefined);
      for (const { securityContext } of pod.containers) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    }
  });

  it('is accepted by the API under server-side dry run', async () => {
    const { objects } = await render(values);
    // Their kinds belong to the Prometheus operator, which is not installed here.
    const known = objects.filter(({ apiVersion }) => apiVersion !== 'monitoring.coreos.com/v1');
    const input = known.map((object) => JSON.stringify(object)).join('\n---\n');
    const applied = await cluster.tryKubectl(
      ['apply', '--server-side', '--dry-run=server', '-n', namespace, '-f', '-'],
      { input },
    );
    expect(applied, applied.stderr).toMatchObject({ code: 0 });
    expect(applied.stdout.trim().split('\n')).toHaveLength(known.length);
  });
});

it.each([
  ['an even number of masters', 'replicas=4', /replicas.*must be one of 1, 3, 5, 7/s],
  ['a misspelt key', 'persistance.size=1Gi', /additional properties 'persistance' not allowed/],
  ['a password in its values', 'eventsStore.url=redis://:secret@redis:6379', /eventsStore.url.*pattern/s],
  ['an authority of no store', 'eventsStore.caSecret=redis-ca', /caSecret needs eventsStore.url/],
  ['a URL that is no https', 'externalUrl=http://example.org', /externalUrl.*does not match pattern/s],
])('refuses %s', async (_, setting, message) => {
  const refused = await helm('template', 'site', chart, '--set', setting);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toMatch(message);
});

describe('installed', () => {
  it('becomes ready, passes its test and tells what to do next', async () => {
    // Nothing provides volumes to simulated nodes.
    const values = ['-f', join(chart, 'ci', 'simulated.yaml'), '--set', 'persistence.enabled=false'];
    const installed = await helm('install', 'site', chart, ...values, '--wait', '--timeout=60s');
    expect(installed, installed.stderr).toMatchObject({ code: 0 });
    expect(installed.stdout).toContain('site-ctl: 3 masters behind https://site-ctl.control-planes.svc');
    const tested = await helm('test', 'site', '--timeout=60s');
    expect(tested.stdout).toMatch(/Phase:\s+Succeeded/);
  });

  it('refuses to change the number of masters of a running cluster', async () => {
    const refused = await helm('upgrade', 'site', chart, '--reuse-values', '--set', 'replicas=5');
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('the cluster runs 3 masters');
  });
});

describe('what it mounts', () => {
  const masters: { readonly pod: LocalPod; readonly program: Program }[] = [];
  let container: Container;
  /** Of 127/8, so that three pods have three addresses, and two runs of this test do not meet. */
  const prefix = `127.${1 + (process.pid % 250)}.${1 + (Math.floor(process.pid / 250) % 250)}`;

  afterAll(async () => {
    await Promise.all(masters.map(async ({ program }) => program.kill('SIGTERM')));
  });

  const get = async (kind: string, name: string): Promise<Rendered> =>
    JSON.parse(await cluster.kubectl(['-n', namespace, 'get', kind, name, '-o', 'json'])) as Rendered;

  /** Runs a command of a pod to its end. */
  async function exec(
    pod: LocalPod,
    command?: readonly string[],
    more: readonly string[] = [],
  ): Promise<CommandResult> {
    const entry = join(import.meta.dirname, '../../bin/trireme.mjs');
    return run(process.execPath, [entry, ...pod.arguments(command), ...more], { env: pod.environment });
  }

  const hosts = (job: LocalPod): string =>
    job
      .arguments()
      .find((argument) => argument.startsWith('--hosts='))
      ?.slice('--hosts='.length) ?? '';

  it('certificates come from its Job, with the rights of its service account', async () => {
    const [spec] = podsOf(await get('cronjob', 'site-ctl-certificates'));
    const account = spec?.serviceAccountName ?? '';
    const token = await cluster.kubectl(['-n', namespace, 'create', 'token', account]);
    const kubeconfig = join(cluster.directory, 'job.kubeconfig');
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        'current-context': 'c',
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'c' } }],
        clusters: [
          {
            name: 'c',
            cluster: {
              server: cluster.server(),
              'certificate-authority': join(cluster.dataDir, 'pki/ca.crt'),
            },
          },
        ],
        users: [{ name: 'c', user: { token: token.trim() } }],
      }),
    );
    const job = new LocalPod('job', '127.0.0.1', cluster.directory, spec!.containers[0]!, {});
    const first = await exec(job, undefined, ['--kubeconfig', kubeconfig]);
    expect(first.stderr).toBe('');
    expect(first.stdout.trim().split('\n')).toEqual(
      ['pki', 'admin', 'nodes', 'monitoring'].map((one) => `secret/site-ctl-${one} created`),
    );
    const again = await exec(job, undefined, ['--kubeconfig', kubeconfig]);
    expect(again.stdout.match(/unchanged/g)).toHaveLength(4);
    // As after an upgrade with another external name: what is served gets new certificates under the same authority.
    const moved = await exec(job, undefined, [
      '--kubeconfig',
      kubeconfig,
      '--hosts',
      `${prefix}.9,${hosts(job)}`,
    ]);
    expect(moved.stdout).toContain('secret/site-ctl-pki renewed\nsecret/site-ctl-admin unchanged');
  });

  it('starts three masters that elect a leader and are ready', async () => {
    const [spec] = podsOf(await get('statefulset', 'site-ctl')) as [PodSpec];
    container = spec.containers[0]!;
    const names = ['site-ctl-0', 'site-ctl-1', 'site-ctl-2'];
    const dns = Object.fromEntries(
      names.map((name, i) => [
        `${name}.site-ctl-peers.${namespace}.svc.cluster.local`,
        `${prefix}.${10 + i}`,
      ]),
    );
    for (const [i, name] of names.entries()) {
      const root = join(cluster.directory, name);
      const pod = new LocalPod(name, `${prefix}.${10 + i}`, root, container, dns);
      await pod.mount(cluster, namespace, spec);
      masters.push({ pod, program: Program.trireme(pod.arguments(), pod.environment) });
    }
    await Promise.all(
      masters.map(async ({ pod, program }) => {
        await program.prints(/ serves/);
        await eventually(`${pod.name} is ready`, async () => (await probe(pod)) === 200, 20_000);
      }),
    );
  });

  /** The readiness probe, as the kubelet does it: without a certificate, and without a look at the server's. */
  async function probe({ address }: LocalPod): Promise<number> {
    const { path, port, scheme } = container.readinessProbe!.httpGet;
    expect(scheme).toBe('HTTPS');
    const number = container.ports?.find(({ name }) => name === port)?.containerPort;
    return new Promise((resolve, reject) => {
      request({ host: address, port: number, path, rejectUnauthorized: false, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
        .on('error', reject)
        .end();
    });
  }

  const quorumTest = async (): Promise<CommandResult> => {
    const rendered = await helm('get', 'hooks', 'site');
    const test = objectsOf(rendered.stdout).find(({ kind }) => kind === 'Pod')!;
    return exec(masters[0]!.pod, (test.spec as unknown as PodSpec).containers[0]!.command);
  };
  const leaderOf = (status: string): string => /leader (\S+), term/.exec(status)?.[1] ?? '';

  it('lets the chart’s test see the quorum, and the hook before an end move leadership away', async () => {
    const before = await quorumTest();
    expect(before, before.stderr).toMatchObject({ code: 0 });
    const leader = masters.find(({ pod }) => pod.name === leaderOf(before.stdout))!;
    const other = masters.find(({ pod }) => pod !== leader.pod)!;
    const { command } = container.lifecycle!.preStop.exec;
    // One that does not lead has nothing to hand over.
    expect((await exec(other.pod, command)).stdout.trim()).toBe(leader.pod.name);
    const moved = await exec(leader.pod, command);
    expect(moved, moved.stderr).toMatchObject({ code: 0 });
    expect(moved.stdout.trim()).not.toBe(leader.pod.name);
    const after = await quorumTest();
    expect(leaderOf(after.stdout)).toBe(moved.stdout.trim());
  });

  it('gives people a kubeconfig and Prometheus its own certificate', async () => {
    const secret = await get('secret', 'site-ctl-admin');
    const kubeconfig = join(cluster.directory, 'inner.kubeconfig');
    writeFileSync(kubeconfig, Buffer.from(secret.data?.['kubeconfig'] ?? '', 'base64'));
    expect(readFileSync(kubeconfig, 'utf8')).toContain(
      `https://site-ctl.${namespace}.svc.cluster.local:6443`,
    );
    // Through `kubectl port-forward`, its server has another address and the name of the certificate.
    const through = ['--kubeconfig', kubeconfig, '--server', `https://${prefix}.11:6443`];
    const name = ['--tls-server-name', `site-ctl.${namespace}.svc`];
    const inner = await cluster.kubectl([...through, ...name, 'get', 'namespaces', '-o', 'name']);
    expect(inner).toContain('namespace/kube-system');
    expect((await get('secret', 'site-ctl-monitoring')).data).toHaveProperty(['tls.key']);
  });
});
