import type { KubernetesObject } from '#libs/apimachinery';
import type { Storage } from '#libs/consensus';
import type { DecodedCache } from '../registry/decoded-cache.js';
import { prefixOf } from '../registry/keys.js';

export interface FoundObject {
  /** Changes with every write of the object. */
  readonly revision: number;
  /** Decoded at most once; shared, read only. */
  readonly object: () => KubernetesObject;
}

/** Core objects of this replica's store, by name. `namespace` is empty for nodes. */
export interface ObjectLookup {
  find(
    resource: 'serviceaccounts' | 'pods' | 'secrets' | 'nodes',
    namespace: string,
    name: string,
  ): FoundObject | undefined;
}

export function storageLookup(storage: Storage, decoded: DecodedCache): ObjectLookup {
  return {
    find(resource, namespace, name) {
      const keyValue = storage.get(
        prefixOf('', resource) + (namespace === '' ? name : `${namespace}/${name}`),
      );
      return keyValue === undefined
        ? undefined
        : { revision: keyValue.modRevision, object: () => decoded.decode(keyValue) };
    },
  };
}
