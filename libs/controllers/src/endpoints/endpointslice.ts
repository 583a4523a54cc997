import { semanticEqual } from '#libs/apimachinery';
import {
  deepCopy,
  isNotFound,
  makeKey,
  resources,
  type EndpointSlice,
  type Node,
  type Pod,
  type Service,
} from '#libs/client';
import { makeController, queueFor, type Controller, type ControllerContext } from '../context.js';
import { indexByLabel, podsWithLabels } from '../core/indexes.js';
import { controllerReference } from '../core/owner.js';
import { isPodReady, isTerminating } from '../core/pod-state.js';
import { isNamespaceTerminating } from '../core/pods.js';
import { canonicalJson, fnv32a, safeEncode } from '../core/template-hash.js';
import { batchMs, followPods, hasEndpoint, hostnameIn, podReference, targetPortIn } from './service-pods.js';

type Endpoint = EndpointSlice['endpoints'][number];
type AddressType = 'IPv4' | 'IPv6';

export const maxEndpointsPerSlice = 100;
const serviceLabel = 'kubernetes.io/service-name';
const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
const manager = 'endpointslice-controller.k8s.io';
const byService = 'service';

/** What one group of slices of a Service should hold: one address type, one list of ports. */
interface Group {
  readonly addressType: AddressType;
  readonly ports: NonNullable<EndpointSlice['ports']>;
  /** By pod uid. */
  readonly endpoints: Map<string, Endpoint>;
}

/**
 * EndpointSlices: the addresses behind a Service, at most 100 a slice. A change touches only the slices that hold the
 * endpoints that changed, and free places are filled before a slice is added, so that watchers get little.
 */
export function createEndpointSliceController(context: ControllerContext): Controller {
  const queue = queueFor(context, 'endpointslice');
  const services = context.informers.informer(resources.services);
  const pods = context.informers.informer(resources.pods);
  const nodes = context.informers.informer(resources.nodes);
  const slices = context.informers.informer(resources.endpointSlices);
  const client = context.client.resource(resources.endpointSlices);
  indexByLabel(pods);
  slices.addIndex(byService, (slice) => {
    const service = slice.metadata.labels?.[serviceLabel];
    const ours = slice.metadata.labels?.[managedByLabel] === manager;
    return ours && service !== undefined ? [makeKey(slice.metadata.namespace, service)] : [];
  });
  followPods(queue, services, pods);
  const enqueue = (slice: EndpointSlice): void => {
    const service = slice.metadata.labels?.[serviceLabel];
    if (service !== undefined && slice.metadata.labels?.[managedByLabel] === manager) {
      queue.addAfter(makeKey(slice.metadata.namespace, service), batchMs);
    }
  };
  slices.addHandler({ update: enqueue, delete: enqueue });

  async function reconcile(key: string): Promise<void> {
    const service = services.lister.getByKey(key);
    const present = slices.lister.byIndex(byService, key);
    const selector = service?.spec.selector ?? {};
    if (service === undefined || service.spec.type === 'ExternalName') {
      for (const slice of present) await remove(slice);
      return;
    }
    if (Object.keys(selector).length === 0) return; // kept by hand
    const members = podsWithLabels(pods, service.metadata.namespace ?? '', selector);
    const groups = groupsOf(service, members, (name) => nodes.lister.get(undefined, name));
    const unclaimed = new Set(present);
    for (const [groupKey, group] of groups) {
      const own = present.filter((slice) => groupKeyOf(slice.addressType, slice.ports ?? []) === groupKey);
      for (const slice of own) unclaimed.delete(slice);
      await reconcileGroup(service, groupKey, group, own.toSorted(byName));
    }
    for (const slice of unclaimed) await remove(slice);
  }

  async function reconcileGroup(
    service: Service,
    groupKey: string,
    group: Group,
    own: readonly EndpointSlice[],
  ): Promise<void> {
    const missing = new Map(group.endpoints);
    const kept = own.map((slice) => {
      const endpoints: Endpoint[] = [];
      for (const endpoint of slice.endpoints) {
        const uid = endpoint.targetRef?.uid ?? '';
        const wanted = missing.get(uid);
        if (wanted === undefined) continue;
        missing.delete(uid);
        endpoints.push(wanted);
      }
      return { slice, endpoints };
    });
    const rest = [...missing.values()];
    for (const { endpoints } of kept) {
      while (endpoints.length < maxEndpointsPerSlice && rest.length > 0) endpoints.push(...rest.splice(0, 1));
    }
    const labels = labelsOf(service);
    for (const { slice, endpoints } of kept) {
      const isSpare =
        endpoints.length === 0 && (group.endpoints.size > 0 || kept.length > 1) && slice !== own[0];
      if (isSpare) await remove(slice);
      else if (
        !semanticEqual(slice.endpoints, endpoints) ||
        !semanticEqual(slice.metadata.labels ?? {}, labels)
      ) {
        const next = deepCopy(slice);
        next.endpoints = endpoints;
        next.metadata.labels = labels;
        await client.update(next);
      }
    }
    const taken = new Set(own.map((slice) => slice.metadata.name));
    for (let ordinal = 0; rest.length > 0 || (taken.size === 0 && ordinal === 0); ordinal++) {
      const name = sliceName(service, groupKey, ordinal);
      if (taken.has(name)) continue;
      taken.add(name);
      // The name is settled by what the slice is: one that a stale cache does not show is not made twice.
      const endpoints = rest.splice(0, maxEndpointsPerSlice);
      try {
        await client.create(newSlice(service, name, labels, group, endpoints));
      } catch (error) {
        if (!isNamespaceTerminating(error)) throw error;
        return;
      }
    }
  }

  async function remove(slice: EndpointSlice): Promise<void> {
    try {
      await client.delete(slice.metadata.name ?? '', { namespace: slice.metadata.namespace ?? '' });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  return makeController(context, {
    name: 'endpointslice',
    workers: 5,
    queue,
    needs: [services, pods, nodes, slices],
    reconcile,
  });
}

function byName(left: EndpointSlice, right: EndpointSlice): number {
  return (left.metadata.name ?? '') < (right.metadata.name ?? '') ? -1 : 1;
}

function sliceName(service: Service, groupKey: string, ordinal: number): string {
  const name = service.metadata.name ?? '';
  return `${name}-${safeEncode(String(fnv32a(`${service.metadata.uid}/${groupKey}/${ordinal}`))).slice(0, 8)}`;
}

function groupKeyOf(addressType: string, ports: NonNullable<EndpointSlice['ports']>): string {
  const sorted = ports
    .map(({ name = '', port, protocol = 'TCP', appProtocol }) =>
      canonicalJson({ name, port, protocol, appProtocol }),
    )
    .toSorted();
  return `${addressType}[${sorted.join(',')}]`;
}

function newSlice(
  service: Service,
  name: string,
  labels: Record<string, string>,
  group: Group,
  endpoints: Endpoint[],
): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name,
      generateName: `${service.metadata.name}-`,
      namespace: service.metadata.namespace ?? '',
      labels: { ...labels },
      ownerReferences: [controllerReference(service)],
    },
    addressType: group.addressType,
    endpoints,
    ports: deepCopy(group.ports),
  };
}

function labelsOf(service: Service): Record<string, string> {
  return {
    ...service.metadata.labels,
    ...(service.spec.clusterIP === 'None' ? { 'service.kubernetes.io/headless': '' } : {}),
    [serviceLabel]: service.metadata.name ?? '',
    [managedByLabel]: manager,
  };
}

function addressTypesOf(service: Service): AddressType[] {
  const families = (service.spec.ipFamilies ?? []).filter(
    (each): each is AddressType => each === 'IPv4' || each === 'IPv6',
  );
  if (families.length > 0) return families;
  return service.spec.clusterIP?.includes(':') === true ? ['IPv6'] : ['IPv4'];
}

function groupsOf(
  service: Service,
  pods: readonly Pod[],
  nodeOf: (name: string) => Node | undefined,
): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const addressType of addressTypesOf(service)) {
    const before = groups.size;
    for (const pod of pods) {
      if (!hasEndpoint(pod, true)) continue;
      const addresses = addressesOf(pod, addressType);
      if (addresses.length === 0) continue;
      const ports = portsOf(service, pod);
      const key = groupKeyOf(addressType, ports);
      let group = groups.get(key);
      if (group === undefined) groups.set(key, (group = { addressType, ports, endpoints: new Map() }));
      group.endpoints.set(pod.metadata.uid ?? '', endpointOf(service, pod, addresses, nodeOf));
    }
    // A Service without pods has one empty slice, so that its consumers see that it is known.
    if (groups.size === before)
      groups.set(groupKeyOf(addressType, []), { addressType, ports: [], endpoints: new Map() });
  }
  return groups;
}

function portsOf(service: Service, pod: Pod): NonNullable<EndpointSlice['ports']> {
  const ports: NonNullable<EndpointSlice['ports']> = [];
  for (const port of service.spec.ports ?? []) {
    const number = targetPortIn(pod, port);
    if (number === undefined) continue;
    ports.push({
      name: port.name ?? '',
      port: number,
      protocol: port.protocol ?? 'TCP',
      ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
    });
  }
  return ports;
}

function addressesOf(pod: Pod, addressType: AddressType): string[] {
  const all = pod.status?.podIPs?.map((each) => each.ip) ?? [pod.status?.podIP ?? ''];
  return all.filter((ip) => ip !== '' && ip.includes(':') === (addressType === 'IPv6')).slice(0, 1);
}

function endpointOf(
  service: Service,
  pod: Pod,
  addresses: string[],
  nodeOf: (name: string) => Node | undefined,
): Endpoint {
  const terminating = isTerminating(pod);
  const serving = isPodReady(pod);
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  const hostname = hostnameIn(pod, service);
  const { nodeName } = pod.spec;
  const zone =
    nodeName === undefined ? undefined : nodeOf(nodeName)?.metadata.labels?.['topology.kubernetes.io/zone'];
  return {
    addresses,
    conditions: { ready, serving, terminating },
    ...(hostname === undefined ? {} : { hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(zone === undefined ? {} : { zone }),
    targetRef: podReference(pod),
  };
}
