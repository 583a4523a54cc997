import { invalidValue, required } from '../../errors/field-errors.js';
import { compareQuantities, parseQuantity } from '../../quantity/index.js';
import type { FieldErrors } from '../../scheme/define-kind.js';
import { isQualifiedName } from './names.js';
import type { PodSpec, ResourceRequirements } from './pod-types.js';

const simple = /^(\d{1,9})(m|Ki|Mi|Gi|k|M|G)?$/;
const scales: Readonly<Record<string, number>> = {
  m: 0.001,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
};

/** Exact on simple quantities in thousandths; undefined for the rest. Most comparisons need no more. */
function quickMilli(text: string): number | undefined {
  const match = simple.exec(text);
  if (match === null) return undefined;
  const suffix = match[2];
  if (suffix === 'm') return Number(match[1]);
  return Number(match[1]) * (suffix === undefined ? 1 : scales[suffix]!) * 1000;
}

/** Sign tells the order, as of a comparator. Both must be quantities (decoding has seen to that). */
export function compareQuantityTexts(a: string, b: string): number {
  if (a === b) return 0;
  const left = quickMilli(a);
  const right = quickMilli(b);
  if (left !== undefined && right !== undefined) return left - right;
  return compareQuantities(parseQuantity(a), parseQuantity(b));
}

export function isPositiveQuantity(text: string): boolean {
  return text !== '0' && compareQuantityTexts(text, '0') > 0;
}

const native = new Set(['cpu', 'memory', 'ephemeral-storage']);

/** A resource of the node's vendor: `example.com/gpu`. Counted in whole ones, never overcommitted. */
export function isExtendedResource(name: string): boolean {
  return name.includes('/') && !name.includes('kubernetes.io/') && !name.startsWith('requests.');
}

function checkName(name: string, path: string, errors: FieldErrors): void {
  for (const message of isQualifiedName(name)) errors.push(invalidValue(path, name, message));
  if (!name.includes('/') && !native.has(name) && !name.startsWith('hugepages-'))
    errors.push(
      invalidValue(path, name, 'must be a standard resource type or fully qualified'),
      invalidValue(path, name, 'must be a standard resource for containers'),
    );
}

export function checkQuantity(name: string, value: string, path: string, errors: FieldErrors): void {
  if (value.startsWith('-')) errors.push(invalidValue(path, value, 'must be greater than or equal to 0'));
  else if (isExtendedResource(name) && !/^\d+[kMGTPE]?i?$/.test(value))
    errors.push(invalidValue(path, value, 'must be an integer'));
}

/** Requests and limits of a container. */
export function checkResources(
  resources: ResourceRequirements | undefined,
  path: string,
  errors: FieldErrors,
): void {
  if (resources === undefined) return;
  const { limits, requests } = resources;
  for (const name in limits) {
    const at = `${path}.limits[${name}]`;
    if (!native.has(name)) checkName(name, at, errors);
    checkQuantity(name, limits[name]!, at, errors);
  }
  for (const name in requests) {
    const at = `${path}.requests[${name}]`;
    const request = requests[name]!;
    if (!native.has(name)) checkName(name, at, errors);
    checkQuantity(name, request, at, errors);
    const limit = limits !== undefined && Object.hasOwn(limits, name) ? limits[name]! : undefined;
    const whole = isExtendedResource(name) || name.startsWith('hugepages-');
    if (limit === undefined) {
      if (whole)
        errors.push(required(`${path}.limits`, 'Limit must be set for non overcommitable resources'));
    } else if (whole && compareQuantityTexts(request, limit) !== 0)
      errors.push(invalidValue(`${path}.requests`, request, `must be equal to ${name} limit of ${limit}`));
    else if (compareQuantityTexts(request, limit) > 0)
      errors.push(
        invalidValue(`${path}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`),
      );
  }
}

/** Guaranteed where every container limits cpu and memory to what it requests, BestEffort where none asks for any. */
export function qosClassOf(spec: PodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const all = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  const parts = spec.resources === undefined ? all.map(({ resources }) => resources) : [spec.resources];
  let any = false;
  let guaranteed = true;
  for (const resources of parts) {
    for (const name of ['cpu', 'memory']) {
      const limit = resources?.limits?.[name] ?? '0';
      const request = resources?.requests?.[name] ?? limit;
      if (isPositiveQuantity(limit) || isPositiveQuantity(request)) any = true;
      if (!isPositiveQuantity(limit) || compareQuantityTexts(limit, request) !== 0) guaranteed = false;
    }
  }
  if (!any) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
