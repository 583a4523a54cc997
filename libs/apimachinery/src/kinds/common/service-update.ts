import { semanticEqual } from '../../scheme/semantic-equal.js';
import { isExternallyAccessible, needsClusterIp, needsHealthCheck, needsNodePort } from './service-types.js';
import type { ServiceSpec } from './service-types.js';

/**
 * Keeps clusterIP and clusterIPs one: whichever of the two the client changed, the other follows.
 * Source: pkg/registry/core/service/storage NormalizeClusterIPs.
 */
export function normalizeClusterIps(next: ServiceSpec, previous: ServiceSpec | undefined): void {
  if (previous === undefined) {
    if (next.clusterIP !== undefined) next.clusterIPs ??= [next.clusterIP];
    return;
  }
  const sameOne = (next.clusterIP ?? '') === (previous.clusterIP ?? '');
  const sameAll = semanticEqual(next.clusterIPs, previous.clusterIPs);
  if (!sameOne && sameAll) {
    if (next.clusterIP === undefined) delete next.clusterIPs;
    else next.clusterIPs = [next.clusterIP];
  } else if (sameOne && !sameAll) {
    const first = next.clusterIPs?.[0];
    if (first === undefined) delete next.clusterIP;
    else if ((previous.clusterIP ?? '') === '') next.clusterIP = first;
  } else if (!sameOne && next.clusterIPs === undefined && next.clusterIP !== undefined)
    next.clusterIPs = [next.clusterIP];
}

/** What the server once chose stays when an update leaves it out. */
export function keepAllocated(next: ServiceSpec, previous: ServiceSpec): void {
  if (needsClusterIp(previous) && needsClusterIp(next)) {
    if (next.clusterIP === undefined && previous.clusterIP !== undefined) next.clusterIP = previous.clusterIP;
    if (
      (next.clusterIPs ?? []).length === 0 &&
      next.clusterIP === previous.clusterIP &&
      previous.clusterIPs !== undefined
    )
      next.clusterIPs = previous.clusterIPs;
    if (previous.ipFamilies !== undefined) next.ipFamilies ??= previous.ipFamilies;
    if (previous.ipFamilyPolicy !== undefined) next.ipFamilyPolicy ??= previous.ipFamilyPolicy;
  }
  if (needsNodePort(previous) && needsNodePort(next)) keepNodePorts(next, previous);
  if (needsHealthCheck(previous) && needsHealthCheck(next) && previous.healthCheckNodePort !== undefined)
    next.healthCheckNodePort ??= previous.healthCheckNodePort;
}

function keepNodePorts(next: ServiceSpec, previous: ServiceSpec): void {
  const taken = new Set((next.ports ?? []).map(({ nodePort, protocol }) => `${nodePort}/${protocol}`));
  for (const port of next.ports ?? []) {
    if (port.nodePort !== undefined) continue;
    const old = previous.ports?.find((one) => one.port === port.port && one.protocol === port.protocol);
    if (old?.nodePort === undefined || taken.has(`${old.nodePort}/${old.protocol}`)) continue;
    port.nodePort = old.nodePort;
    taken.add(`${old.nodePort}/${old.protocol}`);
  }
}

/** A change of type takes with it what only the old type had, unless the client set it anew. */
export function dropForType(next: ServiceSpec, previous: ServiceSpec): void {
  if (needsClusterIp(previous) && !needsClusterIp(next)) {
    if (semanticEqual(next.clusterIPs, previous.clusterIPs)) {
      delete next.clusterIP;
      delete next.clusterIPs;
    }
    if (semanticEqual(next.ipFamilies, previous.ipFamilies)) delete next.ipFamilies;
    if (next.ipFamilyPolicy === previous.ipFamilyPolicy) delete next.ipFamilyPolicy;
    if (next.internalTrafficPolicy === previous.internalTrafficPolicy) delete next.internalTrafficPolicy;
  }
  if (needsNodePort(previous) && !needsNodePort(next)) {
    const held = new Set(previous.ports?.map(({ nodePort }) => nodePort));
    for (const port of next.ports ?? []) if (held.has(port.nodePort)) delete port.nodePort;
  }
  if (
    needsHealthCheck(previous) &&
    !needsHealthCheck(next) &&
    next.healthCheckNodePort === previous.healthCheckNodePort
  )
    delete next.healthCheckNodePort;
  if (previous.type !== 'LoadBalancer' || next.type === 'LoadBalancer') {
    dropTrafficPolicy(next, previous);
    return;
  }
  if (next.allocateLoadBalancerNodePorts === previous.allocateLoadBalancerNodePorts)
    delete next.allocateLoadBalancerNodePorts;
  if (next.loadBalancerClass === previous.loadBalancerClass) delete next.loadBalancerClass;
  dropTrafficPolicy(next, previous);
}

function dropTrafficPolicy(next: ServiceSpec, previous: ServiceSpec): void {
  if (
    isExternallyAccessible(previous) &&
    !isExternallyAccessible(next) &&
    next.externalTrafficPolicy === previous.externalTrafficPolicy
  )
    delete next.externalTrafficPolicy;
}
