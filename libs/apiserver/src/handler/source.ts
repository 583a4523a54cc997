import type { KubernetesObject, ResourceDeclaration } from '#libs/apimachinery';
import type { KeyValue, Revision } from '#libs/consensus';
import { withResourceVersion, type DecodedCache } from '../registry/decoded-cache.js';
import { servedAsStored, servedObject } from '../registry/served.js';
import { restamped } from '../registry/stamp.js';

/** An object on its way out: its JSON bytes in the served version where they exist already, and its decoded form on demand. */
export interface Source {
  readonly bytes: Uint8Array | undefined;
  /** Shared: read only. */
  readonly object: () => KubernetesObject;
}

export function storedSource(
  decoded: DecodedCache,
  keyValue: KeyValue,
  declaration: ResourceDeclaration,
): Source {
  return {
    bytes: servedAsStored(declaration) ? keyValue.value : undefined,
    object: () => servedObject(decoded, keyValue, declaration),
  };
}

/** The last state of an object that is no more (or no longer selected), at the revision when that came to be. */
export function departedSource(
  decoded: DecodedCache,
  previous: KeyValue,
  revision: Revision,
  declaration: ResourceDeclaration,
): Source {
  return {
    bytes: servedAsStored(declaration) ? restamped(previous.value, revision) : undefined,
    object: () => withResourceVersion(servedObject(decoded, previous, declaration), revision),
  };
}

export function objectSource(object: KubernetesObject): Source {
  return { bytes: undefined, object: () => object };
}
