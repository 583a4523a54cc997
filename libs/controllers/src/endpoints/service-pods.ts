import type { EndpointAddress, Informer, Pod, Service, ServicePort, WorkQueue } from '#libs/client';
import { keyOf } from '#libs/client';
import { semanticEqual } from '#libs/apimachinery';
import { isPodFinished, isPodReady, isTerminating } from '../core/pod-state.js';
import { selectorOfLabels } from '../core/selectors.js';

/** Pod changes are gathered for so long: a rollout of many pods costs a few updates, not one a pod. */
export const batchMs = 25;

/** Enqueues the Services of a pod when what endpoints show of it has changed. */
export function followPods(queue: WorkQueue, services: Informer<Service>, pods: Informer<Pod>): void {
  const enqueue = (pod: Pod): void => {
    for (const service of services.lister.inNamespace(pod.metadata.namespace ?? '')) {
      const selector = service.spec.selector;
      if (selector === undefined || Object.keys(selector).length === 0) continue;
      if (selectorOfLabels(selector).matches(pod.metadata.labels)) queue.addAfter(keyOf(service), batchMs);
    }
  };
  pods.addHandler({
    add: enqueue,
    update: (pod, previous) => {
      const relabelled = !semanticEqual(pod.metadata.labels ?? {}, previous.metadata.labels ?? {});
      if (!relabelled && !endpointChanged(pod, previous)) return;
      enqueue(pod);
      if (relabelled) enqueue(previous);
    },
    delete: enqueue,
  });
  const enqueueService = (service: Service): void => queue.add(keyOf(service));
  services.addHandler({ add: enqueueService, update: enqueueService, delete: enqueueService });
}

function endpointChanged(pod: Pod, previous: Pod): boolean {
  return (
    isTerminating(pod) !== isTerminating(previous) ||
    isPodReady(pod) !== isPodReady(previous) ||
    pod.status?.podIP !== previous.status?.podIP ||
    pod.status?.phase !== previous.status?.phase ||
    pod.spec.nodeName !== previous.spec.nodeName ||
    !semanticEqual(pod.status?.podIPs, previous.status?.podIPs)
  );
}

/** A pod that has an address to send to, or had one and is on its way out. */
export function hasEndpoint(pod: Pod, includeTerminating: boolean): boolean {
  if ((pod.status?.podIP ?? '') === '' || isPodFinished(pod)) return false;
  return includeTerminating || !isTerminating(pod);
}

/** The number that a Service's port leads to in a pod; undefined where a named port is missing. */
export function targetPortIn(pod: Pod, port: ServicePort): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === 'number') return target === 0 ? port.port : target;
  const protocol = port.protocol ?? 'TCP';
  const containers = [
    ...pod.spec.containers,
    ...(pod.spec.initContainers ?? []).filter((container) => container.restartPolicy === 'Always'),
  ];
  for (const container of containers) {
    for (const each of container.ports ?? []) {
      if (each.name === target && (each.protocol ?? 'TCP') === protocol) return each.containerPort;
    }
  }
  return undefined;
}

/** The hostname under which cluster DNS knows the pod, where the Service is its subdomain. */
export function hostnameIn(pod: Pod, service: Service): string | undefined {
  const { hostname, subdomain } = pod.spec;
  const isSubdomain =
    subdomain === service.metadata.name && pod.metadata.namespace === service.metadata.namespace;
  return isSubdomain && hostname !== undefined && hostname !== '' ? hostname : undefined;
}

export function podReference(pod: Pod): NonNullable<EndpointAddress['targetRef']> {
  const { name = '', namespace = '', uid = '' } = pod.metadata;
  return { kind: 'Pod', namespace, name, uid };
}
