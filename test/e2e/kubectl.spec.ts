import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, TestCluster } from './support/cluster.js';
import { Program } from './support/program.js';

/** An unmodified kubectl does its work: through the balancer, and through each master's own port. */

const root = fileURLToPath(new URL('../../', import.meta.url));
const manifest = readFileSync(new URL('fixtures/shop.yaml', import.meta.url), 'utf8');

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.start();
});

afterAll(async () => {
  await cluster.dispose();
});

const shop = async (...args: readonly string[]): Promise<string> => cluster.kubectl(['-n', 'shop', ...args]);
const jsonPath = async (object: string, path: string): Promise<string> =>
  shop('get', object, '-o', `jsonpath={${path}}`);
const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
/** Rows of a table as words. */
const rows = (text: string): string[][] => lines(text).map((line) => line.trim().split(/\s{2,}/));

describe('a manifest of many documents', () => {
  it('is applied', async () => {
    const output = lines(await cluster.kubectl(['apply', '-f', '-'], { input: manifest }));
    expect(output).toEqual([
      'namespace/shop created',
      'configmap/settings created',
      'secret/credentials created',
      'serviceaccount/clerk created',
      'role.rbac.authorization.k8s.io/reader created',
      'rolebinding.rbac.authorization.k8s.io/clerk-reads created',
      'deployment.apps/web created',
      'statefulset.apps/db created',
      'daemonset.apps/agent created',
      'job.batch/migrate created',
      'service/web created',
      'poddisruptionbudget.policy/web created',
    ]);
  });

  it('may be a List, whose items kubectl checks by OpenAPI v2 in protobuf', async () => {
    const list = (spec: object): string =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'List',
        items: [
          { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'listed' }, data: { a: '1' } },
          { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'listed' }, spec },
        ],
      });
    const right = { input: list({ minAvailable: 1, selector: { matchLabels: { app: 'listed' } } }) };
    expect(lines(await cluster.kubectl(['-n', 'shop', 'apply', '-f', '-'], right))).toEqual([
      'configmap/listed created',
      'poddisruptionbudget.policy/listed created',
    ]);
    const wrong = await cluster.tryKubectl(['-n', 'shop', 'apply', '-f', '-'], {
      input: list({ minAvailabel: 1 }),
    });
    expect(wrong.stderr).toContain(
      'ValidationError(PodDisruptionBudget.spec): unknown field "minAvailabel" in io.k8s.api.policy.v1.PodDisruptionBudgetSpec',
    );
    expect(lines(await cluster.kubectl(['-n', 'shop', 'delete', '-f', '-'], right))).toHaveLength(2);
  });

  it('comes to run: rollout status, wait', async () => {
    const status = async (what: string): Promise<string> => shop('rollout', 'status', what, '--timeout=60s');
    expect(await status('deployment/web')).toContain('deployment "web" successfully rolled out');
    expect(await status('statefulset/db')).toContain('partitioned roll out complete: 2 new pods');
    expect(await status('daemonset/agent')).toContain('daemon set "agent" successfully rolled out');
    expect(await shop('wait', 'job/migrate', '--for=condition=Complete', '--timeout=60s')).toContain(
      'condition met',
    );
    expect(await shop('wait', 'pod', '-l', 'app=web', '--for=condition=Ready', '--timeout=60s')).toContain(
      'condition met',
    );
    expect(await shop('wait', 'service/web', '--for=jsonpath={.spec.type}=ClusterIP')).toContain(
      'condition met',
    );
  });

  it('is unchanged when applied again, and diff is silent', async () => {
    const versions = async (): Promise<string> =>
      cluster.kubectl(['get', '-f', '-', '-o', 'jsonpath={.items[*].metadata.resourceVersion}'], {
        input: manifest,
      });
    const before = await versions();
    const output = lines(await cluster.kubectl(['apply', '-f', '-'], { input: manifest }));
    // The selector of a budget is replaced as a whole: kubectl sends it each time, as it does to Kubernetes.
    expect(output.filter((line) => !line.endsWith(' unchanged'))).toEqual([
      'poddisruptionbudget.policy/web configured',
    ]);
    expect(await versions()).toBe(before);
    const diff = await cluster.tryKubectl(['diff', '-f', '-'], { input: manifest });
    expect(diff, diff.stdout + diff.stderr).toMatchObject({ code: 0, stdout: '' });
    const changed = await cluster.tryKubectl(['diff', '-f', '-'], {
      input: manifest.replace('colour: blue', 'colour: red'),
    });
    expect(changed.code).toBe(1);
    expect(changed.stdout).toContain('-  colour: blue');
    expect(changed.stdout).toContain('+  colour: red');
    expect(await jsonPath('configmap/settings', '.data.colour')).toBe('blue');
  });
});

describe('looking', () => {
  it('get all shows the workloads with their columns', async () => {
    const all = await shop('get', 'all');
    for (const part of [
      'pod/web-',
      'pod/db-0',
      'pod/db-1',
      'pod/agent-',
      'pod/migrate-',
      'service/web',
      'daemonset.apps/agent',
      'deployment.apps/web',
      'replicaset.apps/web-',
      'statefulset.apps/db',
      'job.batch/migrate',
    ]) {
      expect(all).toContain(part);
    }
    const [head, ...deployments] = rows(await shop('get', 'deployments'));
    expect(head).toEqual(['NAME', 'READY', 'UP-TO-DATE', 'AVAILABLE', 'AGE']);
    expect(deployments[0]!.slice(0, 4)).toEqual(['web', '3/3', '3', '3']);
    expect(rows(await shop('get', 'jobs'))[1]!.slice(0, 3)).toEqual(['migrate', 'Complete', '2/2']);
    expect(rows(await shop('get', 'pdb'))[1]!.slice(0, 4)).toEqual(['web', '2', 'N/A', '1']);
    expect(rows(await shop('get', 'statefulset'))[1]!.slice(0, 2)).toEqual(['db', '2/2']);
    expect(rows(await shop('get', 'daemonset'))[1]!.slice(0, 6)).toEqual(['agent', '3', '3', '3', '3', '3']);
  });

  it('get -o wide adds the node and the address', async () => {
    const [head, ...pods] = rows(await shop('get', 'pods', '-l', 'app=web', '-o', 'wide'));
    expect(head).toEqual([
      'NAME',
      'READY',
      'STATUS',
      'RESTARTS',
      'AGE',
      'IP',
      'NODE',
      'NOMINATED NODE',
      'READINESS GATES',
    ]);
    expect(pods).toHaveLength(3);
    for (const pod of pods) {
      expect(pod.slice(1, 3)).toEqual(['1/1', 'Running']);
      expect(pod[5]).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
      expect(pod[6]).toMatch(/^node-\d$/);
    }
    expect(rows(await cluster.kubectl(['get', 'nodes', '-o', 'wide']))[0]).toContain('CONTAINER-RUNTIME');
  });

  it('get by name, yaml, json, jsonpath, custom columns, selectors and sorting', async () => {
    expect(await shop('get', 'configmap', 'settings', '-o', 'yaml')).toContain('colour: blue');
    expect(JSON.parse(await shop('get', 'pods', '-o', 'json'))).toMatchObject({ kind: 'List' });
    expect(await jsonPath('secret/credentials', '.data.password')).toBe(
      Buffer.from('correct horse').toString('base64'),
    );
    expect(lines(await shop('get', 'pods', '-l', 'app in (web, db)', '-o', 'name'))).toHaveLength(5);
    expect(
      lines(await shop('get', 'pods', '--field-selector', 'status.phase=Succeeded', '-o', 'name')),
    ).toHaveLength(2);
    expect(
      await shop('get', 'pods', '--sort-by=.metadata.name', '-o', 'custom-columns=N:.metadata.name'),
    ).toMatch(/^N\nagent-/);
    expect(await shop('get', 'pods', '--chunk-size=2', '-o', 'name')).toContain('pod/db-1');
    const missing = await cluster.tryKubectl(['get', 'pod', 'nobody']);
    expect(missing).toMatchObject({
      code: 1,
      stderr: 'Error from server (NotFound): pods "nobody" not found\n',
    });
  });

  it('get -w streams what changes', async () => {
    const watch = new Program(
      join(root, '.tools/bin/kubectl'),
      ['-n', 'shop', 'get', 'configmap', 'settings', '-w', '-o', 'jsonpath={.data.colour}{"\\n"}'],
      { KUBECONFIG: cluster.kubeconfig, HOME: cluster.directory },
    );
    try {
      await watch.prints(/^blue$/m);
      for (const colour of ['green', 'red', 'blue']) {
        await shop('patch', 'configmap', 'settings', '-p', JSON.stringify({ data: { colour } }));
      }
      await watch.prints(/^blue\ngreen\nred\nblue$/m);
    } finally {
      await watch.kill();
    }
  });

  it('describe tells the story with its events', async () => {
    const deployment = await shop('describe', 'deployment', 'web');
    expect(deployment).toMatch(
      /Replicas:\s+3 desired \| 3 updated \| 3 total \| 3 available \| 0 unavailable/,
    );
    expect(deployment).toContain('ScalingReplicaSet');
    const pod = await shop('describe', 'pod', 'db-0');
    expect(pod).toMatch(/Status:\s+Running/);
    expect(pod).toMatch(/Scheduled .*Successfully assigned shop\/db-0 to node-\d/);
    const service = await shop('describe', 'service', 'web');
    expect(service).toMatch(/Endpoints:\s+\d+\.\d+\.\d+\.\d+:8080/);
    expect(await cluster.kubectl(['describe', 'node', 'node-1'])).toMatch(/Ready\s+True/);
    expect(await shop('get', 'events', '--field-selector', 'reason=Scheduled')).toContain('pod/db-0');
  });

  it('api-resources, api-versions, explain, version, cluster-info', async () => {
    const resources = await cluster.kubectl(['api-resources']);
    for (const part of [
      'deployments',
      'poddisruptionbudgets',
      'leases',
      'customresourcedefinitions|storageclasses',
    ]) {
      expect(resources).toMatch(new RegExp(part));
    }
    expect(rows(resources).find(([name]) => name === 'deployments')).toEqual([
      'deployments',
      'deploy',
      'apps/v1',
      'true',
      'Deployment',
    ]);
    expect(lines(await cluster.kubectl(['api-versions']))).toEqual(
      expect.arrayContaining(['v1', 'apps/v1', 'policy/v1']),
    );
    const explained = await cluster.kubectl(['explain', 'deployment.spec.strategy']);
    expect(explained).toContain('rollingUpdate');
    expect(await cluster.kubectl(['explain', 'pod.spec', '--recursive'])).toContain('nodeName');
    expect(await cluster.kubectl(['version'])).toMatch(/Server Version: v1\.36\./);
    expect(await cluster.kubectl(['cluster-info'])).toContain('is running at');
  });
});

describe('changing', () => {
  it('label, annotate', async () => {
    await shop('label', 'configmap', 'settings', 'tier=front');
    expect(await jsonPath('configmap/settings', '.metadata.labels.tier')).toBe('front');
    const again = await cluster.tryKubectl(['-n', 'shop', 'label', 'configmap', 'settings', 'tier=back']);
    expect(again.stderr).toContain('--overwrite is false');
    await shop('label', 'configmap', 'settings', 'tier-');
    expect(await jsonPath('configmap/settings', '.metadata.labels.tier')).toBe('');
    await shop('annotate', 'configmap', 'settings', 'note=hello');
    expect(await jsonPath('configmap/settings', '.metadata.annotations.note')).toBe('hello');
  });

  it.each([
    [
      'strategic',
      '{"spec":{"template":{"spec":{"containers":[{"name":"main","env":[{"name":"MODE","value":"strategic"}]}]}}}}',
    ],
    ['merge', '{"spec":{"template":{"metadata":{"annotations":{"mode":"merge"}}}}}'],
    ['json', '[{"op":"replace","path":"/spec/template/spec/containers/0/env/0/value","value":"json"}]'],
  ])('patch --type=%s', async (type, patch) => {
    expect(await shop('patch', 'deployment', 'web', `--type=${type}`, '-p', patch)).toBe(
      'deployment.apps/web patched\n',
    );
    await shop('rollout', 'status', 'deployment/web', '--timeout=60s');

    expect(await shop('patch', 'deployment', 'web', `--type=${type}`, '-p', patch)).toBe(
      'deployment.apps/web patched (no change)\n',
    );
  });

  it('edit opens the object and sends what was changed', async () => {
    const edit = await shop('--kubeconfig', cluster.kubeconfig, 'get', 'configmap', 'settings', '-o', 'name');
    expect(edit).toBe('configmap/settings\n');
    const edited = await cluster.tryKubectl(['-n', 'shop', 'edit', 'configmap', 'settings'], {
      env: { KUBE_EDITOR: 'sed -i s/blue/violet/' },
    });
    expect(edited.stdout, edited.stderr).toBe('configmap/settings edited\n');
    expect(await jsonPath('configmap/settings', '.data.colour')).toBe('violet');
  });

  it('scale, set image, rollout history, undo, restart, pause and resume', async () => {
    await shop('rollout', 'status', 'deployment/web', '--timeout=60s');
    await shop('scale', 'deployment', 'web', '--replicas=5');
    await shop('rollout', 'status', 'deployment/web', '--timeout=60s');
    expect(await jsonPath('deployment/web', '.status.readyReplicas')).toBe('5');
    const refused = await cluster.tryKubectl([
      '-n',
      'shop',
      'scale',
      'deployment',
      'web',
      '--current-replicas=1',
      '--replicas=2',
    ]);
    expect(refused.stderr).toContain('Expected replicas to be 1, was 5');
    await shop('set', 'image', 'deployment/web', 'main=example/web:2');
    await shop('rollout', 'status', 'deployment/web', '--timeout=60s');
    const image = '.spec.template.spec.containers[0].image';
    expect(await jsonPath('deployment/web', image)).toBe('example/web:2');
    const revision = Number(
      await jsonPath('deployment/web', '.metadata.annotations.deployment\\.kubernetes\\.io/revision'),
    );
    expect(await shop('rollout', 'history', 'deployment/web')).toMatch(new RegExp(`^${revision}\\s`, 'm'));
    expect(await shop('rollout', 'history', 'deployment/web', `--revision=${revision}`)).toContain(
      'example/web:2',
    );
    expect(await shop('rollout', 'undo', 'deployment/web')).toContain('rolled back');
    await shop('rollout', 'status', 'deployment/web', '--timeout=60s');
    expect(await jsonPath('deployment/web', image)).toBe('example/web:1');
    await eventually('pods of the undone image are gone', async () => {
      const images = await shop(
        'get',
        'pods',
        '-l',
        'app=web',
        '-o',
        'jsonpath={.items[*].spec.containers[0].image}',
      );
      return !images.includes('example/web:2');
    });
    await shop('rollout', 'pause', 'deployment/web');
    await shop('rollout', 'resume', 'deployment/web');
    await shop('rollout', 'restart', 'statefulset/db');
    await shop('rollout', 'status', 'statefulset/db', '--timeout=60s');
  });

  it('apply --server-side takes ownership, and names the owner in a conflict', async () => {
    const settings = (colour: string): string =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: owned, namespace: shop}\ndata: {colour: ${colour}}\n`;
    const apply = async (manager: string, colour: string, ...flags: readonly string[]) =>
      cluster.tryKubectl(['apply', '--server-side', `--field-manager=${manager}`, ...flags, '-f', '-'], {
        input: settings(colour),
      });
    expect((await apply('first', 'red')).stdout).toBe('configmap/owned serverside-applied\n');
    const conflict = await apply('second', 'green');
    expect(conflict.code).toBe(1);
    expect(conflict.stderr).toContain('Apply failed with 1 conflict: conflict with "first": .data.colour');
    expect((await apply('second', 'green', '--force-conflicts')).code).toBe(0);
    expect(await shop('get', 'configmap', 'owned', '-o', 'yaml', '--show-managed-fields')).toContain(
      'manager: second',
    );
    const dryRun = await apply('third', 'green', '--dry-run=server');
    expect(dryRun.stdout).toContain('serverside-applied (server dry run)');
  });
});

describe('rights', () => {
  it('auth can-i, for the administrator and for a service account', async () => {
    expect(await cluster.kubectl(['auth', 'can-i', '*', '*'])).toBe('yes\n');
    const clerk = '--as=system:serviceaccount:shop:clerk';
    expect(await shop('auth', 'can-i', 'list', 'pods', clerk)).toBe('yes\n');
    const no = await cluster.tryKubectl(['-n', 'shop', 'auth', 'can-i', 'delete', 'pods', clerk]);
    expect(no).toMatchObject({ code: 1, stdout: 'no\n' });
    expect(await shop('auth', 'can-i', '--list', clerk)).toMatch(/configmaps|pods/);
    expect(lines(await shop('get', 'pods', clerk, '-o', 'name')).length).toBeGreaterThan(0);
    const forbidden = await cluster.tryKubectl(['-n', 'shop', 'get', 'secrets', clerk]);
    expect(forbidden.stderr).toContain(
      'Error from server (Forbidden): secrets is forbidden: User "system:serviceaccount:shop:clerk" cannot list resource "secrets" in API group "" in the namespace "shop"',
    );
  });

  it('auth whoami, and create token for a service account', async () => {
    expect(await cluster.kubectl(['auth', 'whoami'])).toMatch(/Username\s+kubernetes-admin/);
    const token = (await shop('create', 'token', 'clerk')).trim();
    const anonymous = [
      '--kubeconfig=/dev/null',
      '--server',
      cluster.server(),
      '--certificate-authority',
      join(cluster.dataDir, 'pki/ca.crt'),
      '--token',
      token,
    ];
    expect(await cluster.kubectl([...anonymous, 'auth', 'whoami'])).toMatch(
      /Username\s+system:serviceaccount:shop:clerk/,
    );
    expect(await cluster.kubectl([...anonymous, '-n', 'shop', 'get', 'pods', '-o', 'name'])).toContain(
      'pod/db-0',
    );
    const forbidden = await cluster.tryKubectl([...anonymous, '-n', 'shop', 'delete', 'pod', 'db-0']);
    expect(forbidden.stderr).toContain('cannot delete resource "pods"');
  });
});

describe('nodes', () => {
  it('drain moves the pods away within the budget; uncordon takes the node back', async () => {
    await shop('scale', 'deployment', 'web', '--replicas=3');
    await shop('rollout', 'status', 'deployment/web', '--timeout=60s');
    const drained = await cluster.kubectl([
      'drain',
      'node-1',
      '--ignore-daemonsets',
      '--delete-emptydir-data',
      '--force',
      '--timeout=60s',
    ]);
    expect(drained).toContain('node/node-1 drained');
    expect(await cluster.kubectl(['get', 'node', 'node-1'])).toContain('SchedulingDisabled');
    const left = await shop(
      'get',
      'pods',
      '--field-selector',
      'spec.nodeName=node-1,status.phase=Running',
      '-o',
      'name',
    );
    expect(lines(left).every((name) => name.startsWith('pod/agent-'))).toBe(true);
    await shop('rollout', 'status', 'deployment/web', '--timeout=60s');
    expect(await cluster.kubectl(['uncordon', 'node-1'])).toBe('node/node-1 uncordoned\n');
    await cluster.kubectl(['taint', 'node', 'node-1', 'spare=yes:NoSchedule']);
    await cluster.kubectl(['taint', 'node', 'node-1', 'spare-']);
  });
});

describe('deleting', () => {
  it.each([
    ['background', []],
    ['foreground', []],
    ['orphan', ['ReplicaSet']],
  ] as const)('--cascade=%s', async (cascade, kept) => {
    const name = `cascade-${cascade}`;
    await shop('create', 'deployment', name, '--image=example/web:1', '--replicas=2');
    await shop('rollout', 'status', `deployment/${name}`, '--timeout=60s');
    expect(await shop('delete', 'deployment', name, `--cascade=${cascade}`, '--timeout=60s')).toContain(
      'deleted',
    );
    const left = async (): Promise<string[]> =>
      lines(
        await shop(
          'get',
          'replicasets,pods',
          '-l',
          `app=${name}`,
          '-o',
          'jsonpath={range .items[*]}{.kind}{"\\n"}{end}',
        ),
      );
    if (kept.length === 0) {
      await eventually('the dependents are gone', async () => (await left()).length === 0);
      return;
    }
    await eventually(
      'the owner is forgotten',
      async () =>
        (await shop(
          'get',
          'replicasets',
          '-l',
          `app=${name}`,
          '-o',
          'jsonpath={.items[0].metadata.ownerReferences}',
        )) === '',
    );
    expect(await left()).toEqual(['ReplicaSet', 'Pod', 'Pod']);
    await shop('delete', 'replicasets', '-l', `app=${name}`);
  });

  it('a pod that is deleted goes, with its grace period or by force', async () => {
    expect(await shop('delete', 'pod', 'db-1', '--timeout=60s')).toContain('pod "db-1" deleted');
    expect(
      (await cluster.tryKubectl(['-n', 'shop', 'delete', 'pod', 'db-0', '--grace-period=0', '--force'])).code,
    ).toBe(0);
    await shop('rollout', 'status', 'statefulset/db', '--timeout=60s');
  });

  it('a namespace goes with all that is in it', async () => {
    expect(await cluster.kubectl(['delete', 'namespace', 'shop', '--timeout=60s'])).toContain('deleted');
    expect((await cluster.tryKubectl(['get', 'namespace', 'shop'])).stderr).toContain('NotFound');
    expect(await cluster.kubectl(['get', 'pods', '-A', '-o', 'name'])).toBe('');
  });
});

describe('each master on its own port, leader or not', () => {
  it.each(['master-1', 'master-2', 'master-3'])('%s', async (master) => {
    const server = cluster.server(master);
    const namespace = `by-${master}`;
    const kubectl = async (args: readonly string[], input?: string): Promise<string> =>
      cluster.kubectl(['-n', namespace, ...args], { server, ...(input === undefined ? {} : { input }) });
    await kubectl(['apply', '-f', '-'], manifest.replaceAll(/\bshop\b/g, namespace));
    await kubectl(['rollout', 'status', 'deployment/web', '--timeout=60s']);
    await kubectl(['set', 'image', 'deployment/web', 'main=example/web:2']);
    await kubectl(['rollout', 'status', 'deployment/web', '--timeout=60s']);
    await kubectl(['scale', 'deployment', 'web', '--replicas=1']);
    expect(await kubectl(['get', 'deployment', 'web', '-o', 'jsonpath={.spec.replicas}'])).toBe('1');
    await kubectl(
      ['apply', '--server-side', '-f', '-'],
      `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ssa}\ndata: {a: b}\n`,
    );
    await kubectl(['patch', 'configmap', 'ssa', '--type=merge', '-p', '{"data":{"a":"c"}}']);
    expect(await kubectl(['get', 'configmap', 'ssa', '-o', 'jsonpath={.data.a}'])).toBe('c');
    expect(await kubectl(['auth', 'can-i', 'create', 'pods'])).toBe('yes\n');
    expect(await kubectl(['describe', 'deployment', 'web'])).toContain('ScalingReplicaSet');
    expect(await kubectl(['delete', 'namespace', namespace, '--timeout=60s'])).toContain('deleted');
  });
});
