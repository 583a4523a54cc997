import { invalidValue, required, tooLong } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import type { FieldErrors } from '../scheme/define-kind.js';
import { secretColumns } from '../tables/core-columns.js';
import type { KubernetesObject } from '../types.js';
import { encodeBase64Text, decodeBase64Text } from './common/base64.js';
import { checkRule } from './common/checks.js';
import { isConfigMapKey } from './common/names.js';
import { checkImmutable } from './common/workload.js';
import { checkImmutableData, maxDataBytes } from './config-map.js';

interface Secret {
  type?: string;
  data?: Record<string, string>;
  stringData?: Record<string, string>;
}

/** Keys that a secret of a type must have. */
const requiredKeys: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
};

const accountAnnotation = 'kubernetes.io/service-account.name';

function validate(object: KubernetesObject, errors: FieldErrors): void {
  const { type = '', data = {} } = object as Secret;
  let size = 0;
  for (const key in data) {
    checkRule(key, isConfigMapKey, `data[${key}]`, errors);
    size += (data[key]!.length * 3) / 4;
  }
  if (size > maxDataBytes) errors.push(tooLong('data', maxDataBytes));
  for (const key of requiredKeys[type] ?? []) {
    if (!Object.hasOwn(data, key)) errors.push(required(`data[${key}]`));
    else if (key.startsWith('.docker') && !isJson(decodeBase64Text(data[key]!)))
      errors.push(invalidValue(`data[${key}]`, '<secret contents redacted>', 'invalid character'));
  }
  if (
    type === 'kubernetes.io/basic-auth' &&
    !Object.hasOwn(data, 'username') &&
    !Object.hasOwn(data, 'password')
  )
    errors.push(required('data[username]'), required('data[password]'));
  if (
    type === 'kubernetes.io/service-account-token' &&
    (object.metadata.annotations?.[accountAnnotation] ?? '') === ''
  )
    errors.push(required(`metadata.annotations[${accountAnnotation}]`));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** stringData is for writing only: it becomes data, over what is there. */
function foldStringData(object: KubernetesObject): void {
  const secret = object as Secret;
  if (secret.stringData === undefined) return;
  const data = new Map(Object.entries(secret.data ?? {}));
  for (const [key, value] of Object.entries(secret.stringData)) data.set(key, encodeBase64Text(value));
  // From entries, so that a key named __proto__ is data like any other.
  secret.data = Object.fromEntries(data);
  delete secret.stringData;
}

export const secret = defineKind({
  group: '',
  resource: 'secrets',
  columns: secretColumns,
  setDefaults(object) {
    object['type'] ??= 'Opaque';
    foldStringData(object);
  },
  validate,
  validateUpdate(next, previous, errors) {
    checkImmutable(next['type'], previous['type'], 'type', errors);
    checkImmutableData(next, previous, ['data'], errors);
    validate(next, errors);
  },
  selectableFields: { type: (object) => (object['type'] as string | undefined) ?? '' },
});
