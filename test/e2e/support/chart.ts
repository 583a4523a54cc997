import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import type { TestCluster } from './cluster.js';

export const chart = fileURLToPath(new URL('../../../helm/trireme', import.meta.url));

interface KeyToPath {
  readonly key: string;
  readonly path: string;
}

export interface Container {
  readonly name: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } };
  }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly readinessProbe?: { readonly httpGet: Readonly<Record<'path' | 'port' | 'scheme', string>> };
  readonly lifecycle?: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } };
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

export interface PodSpec {
  readonly containers: readonly Container[];
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly enableServiceLinks?: boolean;
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly volumes?: readonly {
    readonly name: string;
    readonly configMap?: { readonly name: string };
    readonly secret?: { readonly secretName: string; readonly items?: readonly KeyToPath[] };
  }[];
}

/** What the tests read of a rendered object. */
export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** The objects of a stream of YAML documents. */
export function objectsOf(yaml: string): Rendered[] {
  return parseAllDocuments(yaml, { version: '1.1' })
    .map((document) => document.toJS() as Rendered | null)
    .filter((object) => object !== null);
}

/** Every pod template of an object, itself included. */
export function podsOf(object: Rendered): PodSpec[] {
  if (object.kind === 'Pod') return [object.spec as unknown as PodSpec];
  const found: PodSpec[] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, child] of Object.entries(value)) {
      if (key === 'template') found.push((child as { spec: PodSpec }).spec);
      walk(child);
    }
  };
  walk(object.spec);
  return found;
}

/**
 * A container of a pod as processes of this machine: its files below a directory of its own in place of `/`, its
 * environment, and names of the cluster's DNS resolved from a table.
 */
export class LocalPod {
  readonly #environment: Readonly<Record<string, string>>;

  constructor(
    readonly name: string,
    readonly address: string,
    private readonly root: string,
    private readonly container: Container,
    names: Readonly<Record<string, string>>,
  ) {
    const fields: Readonly<Record<string, string>> = { 'metadata.name': name, 'status.podIP': address };
    const environment: Record<string, string> = {};
    for (const { name: key, value, valueFrom } of container.env ?? []) {
      const text = valueFrom === undefined ? (value ?? '') : fields[valueFrom.fieldRef.fieldPath];
      if (text === undefined) throw new Error(`${key}: a field that is not known here`);
      // As the kubelet does: what is defined above can be used below.
      environment[key] = text.replaceAll(/\$\((\w+)\)/g, (whole, used: string) => environment[used] ?? whole);
    }
    const resolver = `--import=data:text/javascript,${encodeURIComponent(resolverSource(names))}`;
    this.#environment = {
      ...environment,
      NODE_OPTIONS: `${environment['NODE_OPTIONS'] ?? ''} ${resolver}`.trim(),
    };
  }

  get environment(): Readonly<Record<string, string>> {
    return this.#environment;
  }

  /** Arguments behind `trireme` of one of its commands, with paths moved below the root. */
  arguments(
    command: readonly string[] = [...(this.container.command ?? []), ...(this.container.args ?? [])],
  ): string[] {
    const [program, ...rest] = command;
    if (program !== 'trireme') throw new Error(`${program} is not in the image`);
    return rest.map((argument) => this.#move(argument));
  }

  /** Puts what the volumes hold where the container mounts them. */
  async mount(cluster: TestCluster, namespace: string, spec: PodSpec): Promise<void> {
    for (const { name, mountPath } of this.container.volumeMounts ?? []) {
      const target = join(this.root, mountPath);
      mkdirSync(target, { recursive: true });
      const volume = spec.volumes?.find((one) => one.name === name);
      const { configMap, secret } = volume ?? {};
      const source = configMap === undefined ? secret?.secretName : configMap.name;
      if (source === undefined) continue;
      const kind = configMap === undefined ? 'secret' : 'configmap';
      const { data = {} } = JSON.parse(
        await cluster.kubectl(['-n', namespace, 'get', kind, source, '-o', 'json']),
      ) as Rendered;
      const items = secret?.items ?? Object.keys(data).map((key) => ({ key, path: key }));
      for (const { key, path } of items) {
        const content = data[key];
        if (content === undefined) throw new Error(`${kind} ${source} has no ${key}`);
        const file = join(target, path);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, kind === 'secret' ? Buffer.from(content, 'base64') : this.#move(content));
      }
    }
  }

  #move(text: string): string {
    return text.replaceAll(/(?<![\w.])\/(etc|var\/lib)\/trireme/g, `${this.root}/$1/trireme`);
  }
}

function resolverSource(names: Readonly<Record<string, string>>): string {
  return `import dns from 'node:dns';
    const names = ${JSON.stringify(names)};
    const { lookup } = dns;
    dns.lookup = (host, options, done) => lookup(names[host] ?? host, options, done);`;
}
