import type { KubernetesObject } from '#libs/apimachinery';
import type { Client, ResourceRef } from '#libs/client';

export interface DiscoveredResource {
  readonly ref: ResourceRef<KubernetesObject>;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
}

interface ResourceList {
  readonly resources?: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly verbs?: readonly string[];
  }[];
}

interface GroupList {
  readonly groups?: readonly {
    readonly name: string;
    readonly versions: readonly { readonly version: string }[];
    readonly preferredVersion?: { readonly version: string };
  }[];
}

/**
 * What the server serves now, custom resources included, each resource once: in its group's preferred version, or in
 * the first other version that has it. Subresources are left out. Throws when any part of discovery fails: who acts
 * on "everything" must not act on a part of it.
 */
export async function discoverResources(client: Client, signal?: AbortSignal): Promise<DiscoveredResource[]> {
  const get = (path: string): Promise<unknown> =>
    client.raw({ method: 'GET', path, ...(signal === undefined ? {} : { signal }) });
  const found = new Map<string, DiscoveredResource>();
  const collect = async (group: string, version: string): Promise<void> => {
    const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    const list = (await get(path)) as ResourceList;
    for (const { name, kind, namespaced, verbs } of list.resources ?? []) {
      const key = `${group}/${name}`;
      if (name.includes('/') || found.has(key)) continue;
      found.set(key, { ref: { group, version, resource: name }, kind, namespaced, verbs: verbs ?? [] });
    }
  };
  await collect('', 'v1');
  const groups = (await get('/apis')) as GroupList;
  for (const { name, versions, preferredVersion } of groups.groups ?? []) {
    const preferred = preferredVersion?.version;
    const ordered = versions
      .map((each) => each.version)
      .toSorted((left, right) => Number(right === preferred) - Number(left === preferred));
    for (const version of ordered) await collect(name, version);
  }
  return [...found.values()];
}

export function canDo(resource: DiscoveredResource, ...verbs: readonly string[]): boolean {
  return verbs.every((verb) => resource.verbs.includes(verb));
}
