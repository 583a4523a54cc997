import { schemaOf, trackUpdate as trackFields, type KubernetesObject, type Schema } from '#libs/apimachinery';
import type { ResourceDeclaration } from '#libs/apimachinery';
import type { WriteRequest } from './write-request.js';

export function schemaOfDeclaration({
  definition,
}: Pick<ResourceDeclaration, 'definition'>): Schema | undefined {
  return definition === undefined ? undefined : schemaOf(definition);
}

export function apiVersionOfDeclaration({ group, version }: ResourceDeclaration): string {
  return group === '' ? version : `${group}/${version}`;
}

/** Gives the fields of a new object to whoever creates it. */
export function trackCreate(write: WriteRequest, object: KubernetesObject): void {
  track(write, undefined, object);
}

/** Gives the fields that an update changes to whoever makes it, and takes them from everybody else. */
export function trackUpdate(write: WriteRequest, current: KubernetesObject, next: KubernetesObject): void {
  track(write, current, next);
}

function track(write: WriteRequest, before: KubernetesObject | undefined, after: KubernetesObject): void {
  const { declaration, fieldManager, subresource, now } = write;
  const entries = trackFields({
    before,
    after,
    schema: schemaOfDeclaration(declaration),
    manager: fieldManager,
    apiVersion: apiVersionOfDeclaration(declaration),
    subresource,
    now,
  });
  if (entries.length > 0) after.metadata.managedFields = entries;
  else delete after.metadata.managedFields;
}
