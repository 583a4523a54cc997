import type { KubernetesObject } from '#libs/apimachinery';
import type { WriteRequest } from './write-request.js';

export function trackCreate(_write: WriteRequest, object: KubernetesObject): void {
  delete object.metadata.managedFields;
}

export function trackUpdate(_write: WriteRequest, current: KubernetesObject, next: KubernetesObject): void {
  if (current.metadata.managedFields === undefined) delete next.metadata.managedFields;
  else next.metadata.managedFields = current.metadata.managedFields;
}
