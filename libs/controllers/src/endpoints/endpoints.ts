import { semanticEqual } from '#libs/apimachinery';
import {
  deepCopy,
  isAlreadyExists,
  isNotFound,
  keyOf,
  resources,
  type EndpointAddress,
  type Endpoints,
  type EndpointSubset,
  type Pod,
  type Service,
} from '#libs/client';
import { makeController, queueFor, type Controller, type ControllerContext } from '../context.js';
import { indexByLabel, podsWithLabels } from '../core/indexes.js';
import { isPodReady } from '../core/pod-state.js';
import { isNamespaceTerminating } from '../core/pods.js';
import { canonicalJson } from '../core/template-hash.js';
import { followPods, hasEndpoint, hostnameIn, podReference, targetPortIn } from './service-pods.js';

/** Addresses in one Endpoints object; more are cut off and the object says so. */
const maxAddresses = 1_000;
const overCapacity = 'endpoints.kubernetes.io/over-capacity';
const headlessLabel = 'service.kubernetes.io/headless';
const managedBy = 'endpoints.kubernetes.io/managed-by';

/** Endpoints: the older, single-object list of the addresses behind a Service. */
export function createEndpointsController(context: ControllerContext): Controller {
  const queue = queueFor(context, 'endpoints');
  const services = context.informers.informer(resources.services);
  const pods = context.informers.informer(resources.pods);
  const endpoints = context.informers.informer(resources.endpoints);
  const client = context.client.resource(resources.endpoints);
  indexByLabel(pods);
  followPods(queue, services, pods);
  const enqueue = (object: Endpoints): void => queue.add(keyOf(object));
  endpoints.addHandler({ update: enqueue, delete: enqueue });

  return makeController(context, {
    name: 'endpoints',
    workers: 5,
    queue,
    needs: [services, pods, endpoints],
    async reconcile(key) {
      const service = services.lister.getByKey(key);
      const present = endpoints.lister.getByKey(key);
      if (service === undefined) {
        if (present?.metadata.labels?.[managedBy] === undefined) return;
        await client
          .delete(present.metadata.name ?? '', { namespace: present.metadata.namespace ?? '' })
          .catch(ignoreNotFound);
        return;
      }
      const { selector } = service.spec;
      if (selector === undefined || Object.keys(selector).length === 0) return; // kept by hand
      const members = podsWithLabels(pods, service.metadata.namespace ?? '', selector);
      const wanted = endpointsOf(service, members);
      if (present === undefined) {
        await client.create(wanted).catch(ignoreExpected);
      } else if (differs(present, wanted)) {
        const next = deepCopy(present);
        next.metadata.labels = wanted.metadata.labels ?? {};
        next.metadata.annotations = { ...next.metadata.annotations, ...wanted.metadata.annotations };
        if (wanted.metadata.annotations?.[overCapacity] === undefined)
          delete next.metadata.annotations[overCapacity];
        if (wanted.subsets === undefined) delete next.subsets;
        else next.subsets = wanted.subsets;
        await client.update(next);
      }
    },
  });
}

function differs(present: Endpoints, wanted: Endpoints): boolean {
  return (
    !semanticEqual(present.subsets ?? [], wanted.subsets ?? []) ||
    !semanticEqual(present.metadata.labels ?? {}, wanted.metadata.labels ?? {}) ||
    present.metadata.annotations?.[overCapacity] !== wanted.metadata.annotations?.[overCapacity]
  );
}

function ignoreNotFound(error: unknown): void {
  if (!isNotFound(error)) throw error;
}
function ignoreExpected(error: unknown): void {
  if (!isAlreadyExists(error) && !isNamespaceTerminating(error)) throw error;
}

function endpointsOf(service: Service, members: readonly Pod[]): Endpoints {
  const usable = members.filter((pod) => hasEndpoint(pod, false));
  const cut = usable.length > maxAddresses;
  const subsets = subsetsOf(service, cut ? preferReady(usable).slice(0, maxAddresses) : usable);
  const isHeadless = service.spec.clusterIP === 'None';
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      name: service.metadata.name ?? '',
      namespace: service.metadata.namespace ?? '',
      labels: {
        ...service.metadata.labels,
        ...(isHeadless ? { [headlessLabel]: '' } : {}),
        [managedBy]: 'endpoint-controller',
      },
      ...(cut ? { annotations: { [overCapacity]: 'truncated' } } : {}),
    },
    ...(subsets.length === 0 ? {} : { subsets }),
  };
}

function preferReady(pods: readonly Pod[]): Pod[] {
  return pods.toSorted((left, right) => Number(isPodReady(right)) - Number(isPodReady(left)));
}

/** Addresses that share their ports form a subset; all sorted, so that the same pods give the same object. */
function subsetsOf(service: Service, pods: readonly Pod[]): EndpointSubset[] {
  const groups = new Map<string, EndpointSubset>();
  for (const pod of pods.toSorted((left, right) =>
    (left.metadata.name ?? '') < (right.metadata.name ?? '') ? -1 : 1,
  )) {
    const ports = portsOf(service, pod);
    if (ports === undefined) continue;
    const key = canonicalJson(ports);
    let subset = groups.get(key);
    if (subset === undefined) groups.set(key, (subset = ports.length === 0 ? {} : { ports }));
    const isReady = service.spec.publishNotReadyAddresses === true || isPodReady(pod);
    const list = isReady ? (subset.addresses ??= []) : (subset.notReadyAddresses ??= []);
    list.push(addressOf(service, pod));
  }
  return [...groups].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, subset]) => subset);
}

/** Undefined where the pod has none of the Service's ports. */
function portsOf(service: Service, pod: Pod): NonNullable<EndpointSubset['ports']> | undefined {
  const wanted = service.spec.ports ?? [];
  const ports: NonNullable<EndpointSubset['ports']> = [];
  for (const port of wanted) {
    const number = targetPortIn(pod, port);
    if (number === undefined) continue;
    ports.push({
      ...(port.name === undefined || port.name === '' ? {} : { name: port.name }),
      port: number,
      protocol: port.protocol ?? 'TCP',
      ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
    });
  }
  if (wanted.length > 0 && ports.length === 0) return undefined;
  return ports.toSorted((left, right) => (canonicalJson(left) < canonicalJson(right) ? -1 : 1));
}

function addressOf(service: Service, pod: Pod): EndpointAddress {
  const hostname = hostnameIn(pod, service);
  return {
    ip: pod.status?.podIP ?? '',
    ...(hostname === undefined ? {} : { hostname }),
    ...(pod.spec.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    targetRef: podReference(pod),
  };
}
