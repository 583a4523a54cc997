import { forbiddenField, immutable, invalidValue, required, tooLong } from '../../errors/field-errors.js';
import type { FieldErrors, NameRule } from '../../scheme/define-kind.js';
import { semanticEqual } from '../../scheme/semantic-equal.js';
import type { ObjectMeta, OwnerReference } from '../../types.js';
import { isDns1123Label, isLabelValue, isQualifiedName } from './names.js';

/** All annotations of an object together, keys and values, in UTF-8 bytes. */
export const maxAnnotationsBytes = 256 * 1024;

/** metav1 validation (k8s.io/apimachinery/pkg/api/validation/objectmeta.go). The name has been generated already. */
export function validateMetadata(
  meta: ObjectMeta,
  rules: {
    readonly namespaced: boolean;
    readonly nameRule: NameRule;
    readonly standardFinalizers: boolean;
  },
  errors: FieldErrors,
): void {
  const { name = '', generateName = '', namespace = '' } = meta;
  if (generateName !== '')
    for (const message of rules.nameRule(generateName, true))
      errors.push(invalidValue('metadata.generateName', generateName, message));
  if (name === '') errors.push(required('metadata.name', 'name or generateName is required'));
  else
    for (const message of rules.nameRule(name, false))
      errors.push(invalidValue('metadata.name', name, message));
  if (rules.namespaced) {
    if (namespace === '') errors.push(required('metadata.namespace'));
    else
      for (const message of isDns1123Label(namespace))
        errors.push(invalidValue('metadata.namespace', namespace, message));
  } else if (namespace !== '') errors.push(forbiddenField('metadata.namespace', 'not allowed on this type'));
  if ((meta.generation ?? 0) < 0)
    errors.push(invalidValue('metadata.generation', meta.generation, 'must be greater than or equal to 0'));
  validateLabels(meta.labels, 'metadata.labels', errors);
  validateAnnotations(meta.annotations, 'metadata.annotations', errors);
  validateOwnerReferences(meta.ownerReferences, errors);
  validateFinalizers(meta.finalizers, rules.standardFinalizers, errors);
}

export function validateLabels(
  labels: Readonly<Record<string, string>> | undefined,
  path: string,
  errors: FieldErrors,
): void {
  for (const key in labels) {
    for (const message of isQualifiedName(key)) errors.push(invalidValue(path, key, message));
    const value = labels[key]!;
    for (const message of isLabelValue(value)) errors.push(invalidValue(path, value, message));
  }
}

export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  path: string,
  errors: FieldErrors,
): void {
  let size = 0;
  for (const key in annotations) {
    for (const message of isQualifiedName(key.toLowerCase())) errors.push(invalidValue(path, key, message));
    size += key.length + utf8Length(annotations[key]!);
  }
  if (size > maxAnnotationsBytes) errors.push(tooLong(path, maxAnnotationsBytes));
}

function utf8Length(text: string): number {
  let length = text.length;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x80) continue;
    // A surrogate pair is two units and four bytes.
    length += code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 1 : 2;
  }
  return length;
}

function validateOwnerReferences(
  references: readonly OwnerReference[] | undefined,
  errors: FieldErrors,
): void {
  const path = 'metadata.ownerReferences';
  let controller: string | undefined;
  for (const reference of references ?? []) {
    const { apiVersion = '', kind = '', name = '', uid = '' } = reference;
    if (apiVersion === '' || apiVersion.endsWith('/'))
      errors.push(invalidValue(`${path}.apiVersion`, apiVersion, 'version must not be empty'));
    if (kind === '') errors.push(invalidValue(`${path}.kind`, kind, 'must not be empty'));
    if (name === '') errors.push(invalidValue(`${path}.name`, name, 'must not be empty'));
    if (uid === '') errors.push(invalidValue(`${path}.uid`, uid, 'must not be empty'));
    if (apiVersion === 'v1' && kind === 'Event')
      errors.push(invalidValue(path, reference, '/v1, Kind=Event is disallowed from being an owner'));
    if (reference.controller === true) {
      const current = `${kind}/${name}`;
      if (controller === undefined) controller = current;
      else
        errors.push(
          invalidValue(
            path,
            references,
            `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${current}`,
          ),
        );
    }
  }
}

const standard = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

function validateFinalizers(
  finalizers: readonly string[] | undefined,
  onlyStandard: boolean,
  errors: FieldErrors,
): void {
  const path = 'metadata.finalizers';
  if (finalizers === undefined) return;
  for (const finalizer of finalizers)
    for (const message of isQualifiedName(finalizer)) errors.push(invalidValue(path, finalizer, message));
  for (const [index, finalizer] of finalizers.entries())
    if (onlyStandard && !finalizer.includes('/') && !standard.has(finalizer))
      errors.push(
        invalidValue(
          `${path}[${index}]`,
          finalizer,
          'name is neither a standard finalizer name nor is it fully qualified',
        ),
      );
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion'))
    errors.push(invalidValue(path, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'));
}

const immutableFields = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const;

/** What an update may not do to metadata; `validateMetadata` covers the rest. */
export function validateMetadataUpdate(next: ObjectMeta, previous: ObjectMeta, errors: FieldErrors): void {
  if (previous.deletionTimestamp !== undefined) {
    const extra = (next.finalizers ?? []).filter((name) => previous.finalizers?.includes(name) !== true);
    if (extra.length > 0)
      errors.push(
        forbiddenField(
          'metadata.finalizers',
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${extra
            .sort()
            .map((name) => JSON.stringify(name))
            .join(', ')}}`,
        ),
      );
  }
  if ((next.generation ?? 0) < (previous.generation ?? 0))
    errors.push(invalidValue('metadata.generation', next.generation ?? 0, 'must not be decremented'));
  for (const field of immutableFields)
    if (!semanticEqual(next[field], previous[field]))
      errors.push(immutable(`metadata.${field}`, next[field] ?? null));
}
