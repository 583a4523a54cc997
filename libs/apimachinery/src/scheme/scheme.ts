import { kindDefinitions } from '../kinds/index.js';
import { structureResources } from '../structure/schema.js';
import type { StructureResource } from '../structure/schema.js';
import type { GroupVersionKind, GroupVersionResource, ResourceDeclaration, Scheme } from '../types.js';
import { declare } from './declare.js';
import type { KindDefinition } from './define-kind.js';
import { compareVersions } from './version-order.js';

/** Discovery lists the groups in this order; others follow as they were added. */
const groupOrder = [
  '',
  'apiregistration.k8s.io',
  'apps',
  'events.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'scheduling.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'discovery.k8s.io',
  'flowcontrol.apiserver.k8s.io',
];

/** A new scheme that serves every resource of Kubernetes' structure. Schemes are independent; declarations are shared. */
export function createScheme(): Scheme {
  builtIn ??= declareBuiltIns();
  const scheme = new MemoryScheme();
  for (const declaration of builtIn) scheme.add(declaration);
  return scheme;
}

let builtIn: readonly ResourceDeclaration[] | undefined;

class MemoryScheme implements Scheme {
  readonly #byResource = new Map<string, ResourceDeclaration>();
  readonly #byKind = new Map<string, ResourceDeclaration>();
  /** Derived, made again after a change: custom resources come and go seldom, reads are many. */
  #versions: Map<string, string[]> | undefined;
  #resources: readonly ResourceDeclaration[] | undefined;

  resources(): readonly ResourceDeclaration[] {
    this.#resources ??= [...this.#byResource.values()];
    return this.#resources;
  }

  byResource({ group, version, resource }: GroupVersionResource): ResourceDeclaration | undefined {
    return this.#byResource.get(`${group}/${version}/${resource}`);
  }

  byKind({ group, version, kind }: GroupVersionKind): ResourceDeclaration | undefined {
    return this.#byKind.get(`${group}/${version}/${kind}`);
  }

  versions(group: string): readonly string[] {
    return this.#groupVersions().get(group) ?? [];
  }

  groups(): readonly string[] {
    return [...this.#groupVersions().keys()];
  }

  /** Replaces a declaration of the same group, version and resource. */
  add(declaration: ResourceDeclaration): void {
    this.remove(declaration);
    const { group, version, resource, kind } = declaration;
    this.#byResource.set(`${group}/${version}/${resource}`, declaration);
    const kindKey = `${group}/${version}/${kind}`;
    // Two resources of one kind: the first keeps the name (bindings would else hide nothing of use).
    if (!this.#byKind.has(kindKey)) this.#byKind.set(kindKey, declaration);
    this.#changed();
  }

  remove({ group, version, resource }: GroupVersionResource): void {
    const key = `${group}/${version}/${resource}`;
    const declaration = this.#byResource.get(key);
    if (declaration === undefined) return;
    this.#byResource.delete(key);
    const kindKey = `${group}/${version}/${declaration.kind}`;
    if (this.#byKind.get(kindKey) === declaration) this.#byKind.delete(kindKey);
    this.#changed();
  }

  #changed(): void {
    this.#versions = undefined;
    this.#resources = undefined;
  }

  #groupVersions(): Map<string, string[]> {
    if (this.#versions === undefined) {
      const found = new Map<string, Set<string>>();
      for (const group of groupOrder) found.set(group, new Set());
      for (const { group, version } of this.#byResource.values()) {
        let versions = found.get(group);
        if (versions === undefined) found.set(group, (versions = new Set()));
        versions.add(version);
      }
      this.#versions = new Map(
        [...found]
          .filter(([, versions]) => versions.size > 0)
          .map(([group, versions]) => [group, [...versions].sort(compareVersions)]),
      );
    }
    return this.#versions;
  }
}

function declareBuiltIns(): readonly ResourceDeclaration[] {
  const primary: StructureResource[] = [];
  const subresources = new Map<string, StructureResource[]>();
  const versionsOf = new Map<string, string[]>();
  for (const row of structureResources()) {
    const key = `${row.group}/${row.version}/${row.resource}`;
    if (row.subresource === undefined) {
      primary.push(row);
      const groupResource = `${row.group}/${row.resource}`;
      versionsOf.set(groupResource, [...(versionsOf.get(groupResource) ?? []), row.version]);
    } else subresources.set(key, [...(subresources.get(key) ?? []), row]);
  }
  return primary.map((row) => {
    const kind = definitionOf(row);
    const preferred = versionsOf.get(`${row.group}/${row.resource}`)!.sort(compareVersions)[0]!;
    const stored = kind.storageVersion ?? { group: row.group, version: preferred };
    return declare(row, subresources.get(`${row.group}/${row.version}/${row.resource}`) ?? [], kind, stored);
  });
}

function definitionOf(row: StructureResource): KindDefinition {
  const found = kindDefinitions.find(
    ({ group, resource, versions }) =>
      group === row.group &&
      resource === row.resource &&
      (versions === undefined || versions.includes(row.version)),
  );
  return found ?? { group: row.group, resource: row.resource };
}
