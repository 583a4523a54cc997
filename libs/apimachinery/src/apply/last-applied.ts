import type { Schema } from '../structure/schema.js';
import { cloneJson, isJsonObject } from '../patch/json-value.js';
import type { Json, JsonObject, KubernetesObject } from '../types.js';
import { compareObjects } from './compare.js';
import { appliedFields } from './extract.js';
import { difference, emptySet, type FieldSet } from './field-set.js';

const annotation = 'kubectl.kubernetes.io/last-applied-configuration';
const annotationLengthMax = 256 * 1024;

/** The one manager for which what client-side apply once set is no conflict. */
export const kubectlManager = 'kubectl';

/**
 * Fields that client-side apply set and that still have the value it gave them: kubectl may take these over without
 * a conflict when it begins to apply on the server.
 */
export function fieldsOfClientSideApply(live: KubernetesObject, schema: Schema | undefined): FieldSet {
  const text = live.metadata.annotations?.[annotation];
  const last = text === undefined ? undefined : parse(text);
  if (last === undefined) return emptySet;
  const { changed, removed } = compareObjects(live as unknown as JsonObject, last, schema);
  return difference(difference(appliedFieldsOf(last, schema), changed), removed);
}

function appliedFieldsOf(last: JsonObject, schema: Schema | undefined): FieldSet {
  try {
    return appliedFields(last, schema);
  } catch {
    // The annotation is what a client once sent; where it does not fit the schema it claims nothing.
    return emptySet;
  }
}

function parse(text: string): JsonObject | undefined {
  try {
    const value = JSON.parse(text) as Json;
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps the annotation in step, so that client-side apply can be returned to. In place on `object`. */
export function syncLastApplied(object: KubernetesObject, applied: KubernetesObject): void {
  const annotations = object.metadata.annotations;
  if (annotations?.[annotation] === undefined) return;
  const config = cloneJson(applied as unknown as JsonObject) as unknown as KubernetesObject;
  delete config.metadata.managedFields;
  delete config.metadata.annotations?.[annotation];
  const text = `${JSON.stringify(config)}\n`;
  if (text.length > annotationLengthMax) delete annotations[annotation];
  else annotations[annotation] = text;
}
