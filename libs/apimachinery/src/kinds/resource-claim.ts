import { defineKind } from '../scheme/define-kind.js';
import type { KindDefinition } from '../scheme/define-kind.js';
import { nameAndAge } from '../tables/core-columns.js';
import { resourceClaimColumns, resourceSliceColumns } from '../tables/other-columns.js';
import type { KubernetesObject } from '../types.js';

const group = 'resource.k8s.io';

type Loose = Record<string, unknown>;

interface ClaimSpec {
  devices?: { requests?: Loose[] };
}

/** resource.k8s.io/v1beta1 spells an exact request's fields out where later versions put them under `exactly`. */
function requestsToStorage(spec: unknown): unknown {
  return mapRequests(spec, (request) => {
    const { name, firstAvailable, ...exactly } = request;
    return firstAvailable === undefined ? { name, exactly } : { name, firstAvailable };
  });
}

function requestsFromStorage(spec: unknown): unknown {
  return mapRequests(spec, ({ exactly, ...request }) => ({ ...request, ...(exactly as Loose | undefined) }));
}

function mapRequests(spec: unknown, map: (request: Loose) => Loose): unknown {
  const { devices, ...rest } = (spec ?? {}) as ClaimSpec;
  if (devices?.requests === undefined) return spec;
  return { ...rest, devices: { ...devices, requests: devices.requests.map(map) } };
}

function onSpec(map: (spec: unknown) => unknown): (object: KubernetesObject) => KubernetesObject {
  return (object) => (object['spec'] === undefined ? object : { ...object, spec: map(object['spec']) });
}

const onTemplate =
  (map: (spec: unknown) => unknown): ((spec: unknown) => unknown) =>
  (template) => {
    const { spec, ...rest } = template as { spec?: unknown };
    return spec === undefined ? template : { ...rest, spec: map(spec) };
  };

const onDevices =
  (map: (device: Loose) => Loose): ((spec: unknown) => unknown) =>
  (slice) => {
    const { devices, ...rest } = slice as { devices?: Loose[] };
    return devices === undefined ? slice : { ...rest, devices: devices.map(map) };
  };

/** v1beta1 wraps what a device is in `basic`. */
const unwrap = ({ basic, ...device }: Loose): Loose => ({ ...device, ...(basic as Loose | undefined) });
const wrap = ({ name, ...basic }: Loose): Loose => ({ name, basic });

export const resourceClaimKinds: readonly KindDefinition[] = [
  defineKind({
    group,
    resource: 'resourceclaims',
    columns: resourceClaimColumns,
    versions: ['v1beta1'],
    toStorage: onSpec(requestsToStorage),
    fromStorage: onSpec(requestsFromStorage),
  }),
  defineKind({
    group,
    resource: 'resourceclaimtemplates',
    columns: nameAndAge,
    versions: ['v1beta1'],
    toStorage: onSpec(onTemplate(requestsToStorage)),
    fromStorage: onSpec(onTemplate(requestsFromStorage)),
  }),
  defineKind({
    group,
    resource: 'resourceslices',
    columns: resourceSliceColumns,
    versions: ['v1beta1'],
    generation: true,
    toStorage: onSpec(onDevices(unwrap)),
    fromStorage: onSpec(onDevices(wrap)),
  }),
  defineKind({
    group,
    resource: 'resourceslices',
    versions: ['v1', 'v1beta2'],
    generation: true,
    columns: resourceSliceColumns,
  }),
  defineKind({
    group,
    resource: 'resourceclaims',
    versions: ['v1', 'v1beta2'],
    columns: resourceClaimColumns,
  }),
  defineKind({
    group,
    resource: 'resourceclaimtemplates',
    versions: ['v1', 'v1beta2'],
    columns: nameAndAge,
  }),
];
