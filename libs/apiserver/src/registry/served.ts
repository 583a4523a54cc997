import type { KubernetesObject, ResourceDeclaration } from '#libs/apimachinery';
import type { KeyValue } from '#libs/consensus';
import type { DecodedCache } from './decoded-cache.js';

/** True where objects go out in the version they are stored in, so that their bytes can be sent as they are. */
export function servedAsStored(declaration: ResourceDeclaration): boolean {
  return declaration.fromStorage === undefined;
}

/** A stored object, decoded, in the version of the declaration. Shared: read only. */
export function servedObject(
  decoded: DecodedCache,
  keyValue: KeyValue,
  declaration: ResourceDeclaration,
): KubernetesObject {
  const object = decoded.decode(keyValue);
  return declaration.fromStorage === undefined ? object : declaration.fromStorage(object);
}
