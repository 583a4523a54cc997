import { milliValue, value } from '#libs/apimachinery';
import type { Container, IntOrString, PodSpec } from '#libs/client';

type Amounts = Readonly<Record<string, IntOrString>> | undefined;

/** Amounts of what a node has or a pod asks for: millicores, bytes, and whole units of everything else. */
export interface Resources {
  milliCpu: number;
  memory: number;
  ephemeralStorage: number;
  /** Extended resources and huge pages, by name; undefined where there are none. */
  scalars: Map<string, number> | undefined;
}

/** What a container that asks for nothing is taken to use when nodes are scored (kube-scheduler's util/pod_resources.go). */
const defaultMilliCpu = 100;
const defaultMemory = 200 * 1024 * 1024;

export function noResources(): Resources {
  return { milliCpu: 0, memory: 0, ephemeralStorage: 0, scalars: undefined };
}

export function parseResources(amounts: Amounts): Resources {
  const parsed = noResources();
  for (const name in amounts) {
    const amount = String(amounts[name] ?? '0');
    if (name === 'cpu') parsed.milliCpu = milliValue(amount);
    else if (name === 'memory') parsed.memory = value(amount);
    else if (name === 'ephemeral-storage') parsed.ephemeralStorage = value(amount);
    else if (name !== 'pods') (parsed.scalars ??= new Map()).set(name, value(amount));
  }
  return parsed;
}

export function addResources(sum: Resources, term: Resources, sign: 1 | -1 = 1): void {
  sum.milliCpu += sign * term.milliCpu;
  sum.memory += sign * term.memory;
  sum.ephemeralStorage += sign * term.ephemeralStorage;
  if (term.scalars === undefined) return;
  sum.scalars ??= new Map();
  for (const [name, amount] of term.scalars)
    sum.scalars.set(name, (sum.scalars.get(name) ?? 0) + sign * amount);
}

function raiseTo(most: Resources, other: Resources): void {
  most.milliCpu = Math.max(most.milliCpu, other.milliCpu);
  most.memory = Math.max(most.memory, other.memory);
  most.ephemeralStorage = Math.max(most.ephemeralStorage, other.ephemeralStorage);
  if (other.scalars === undefined) return;
  most.scalars ??= new Map();
  for (const [name, amount] of other.scalars)
    most.scalars.set(name, Math.max(most.scalars.get(name) ?? 0, amount));
}

function copyOf(resources: Resources): Resources {
  return { ...resources, scalars: resources.scalars === undefined ? undefined : new Map(resources.scalars) };
}

type RequestsOf = (container: Container) => Resources;

/**
 * What a pod needs at its peak: all containers and sidecars together, or one init container beside the sidecars
 * started before it; plus overhead (KEP-753, `resource.PodRequests`).
 */
function total(spec: PodSpec, requestsOf: RequestsOf): Resources {
  const sum = noResources();
  for (const container of spec.containers) addResources(sum, requestsOf(container));
  const sidecars = noResources();
  const peak = noResources();
  for (const container of spec.initContainers ?? []) {
    const requests = requestsOf(container);
    if (container.restartPolicy === 'Always') {
      addResources(sum, requests);
      addResources(sidecars, requests);
      raiseTo(peak, sidecars);
    } else {
      const beside = copyOf(sidecars);
      addResources(beside, requests);
      raiseTo(peak, beside);
    }
  }
  raiseTo(sum, peak);
  applyPodLevel(sum, spec);
  if (spec.overhead !== undefined) addResources(sum, parseResources(spec.overhead));
  return sum;
}

/** Requests of the pod as a whole (KEP-2837) take the place of the sum of its containers. */
function applyPodLevel(sum: Resources, spec: PodSpec): void {
  const requests = (spec['resources'] as { requests?: Amounts } | undefined)?.requests;
  if (requests === undefined) return;
  const whole = parseResources(requests);
  if ('cpu' in requests) sum.milliCpu = whole.milliCpu;
  if ('memory' in requests) sum.memory = whole.memory;
  for (const [name, amount] of whole.scalars ?? []) (sum.scalars ??= new Map()).set(name, amount);
}

export function podRequests(spec: PodSpec): Resources {
  return total(spec, (container) => parseResources(container.resources?.requests));
}

/** As `podRequests`, but a container that asks for no cpu or memory counts as a small one. */
export function podNonZeroRequests(spec: PodSpec): Resources {
  return total(spec, (container) => {
    const { requests } = container.resources ?? {};
    const parsed = parseResources(requests);
    if (requests?.['cpu'] === undefined) parsed.milliCpu = defaultMilliCpu;
    if (requests?.['memory'] === undefined) parsed.memory = defaultMemory;
    return parsed;
  });
}
