import { duplicate, forbiddenField, invalidValue, required } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import type { FieldErrors } from '../scheme/define-kind.js';
import { serviceColumns } from '../tables/core-columns.js';
import type { KubernetesObject } from '../types.js';
import { checkOneOf, checkPortNumberOrName, checkRule, protocols } from './common/checks.js';
import { cidrMessage, endpointIpProblem, ipMessage, isCidr, isIp, isIpv4 } from './common/ip.js';
import { validateLabels } from './common/metadata.js';
import {
  dnsLabel,
  isDns1123Label,
  isDns1123Subdomain,
  isQualifiedName,
  isValidPort,
} from './common/names.js';
import { isExternallyAccessible, isHeadless } from './common/service-types.js';
import type { ServiceSpec } from './common/service-types.js';
import { dropForType, keepAllocated, normalizeClusterIps } from './common/service-update.js';

const specOf = (object: KubernetesObject): ServiceSpec => (object['spec'] ?? {}) as ServiceSpec;

function setDefaults(object: KubernetesObject): void {
  const spec = specOf(object);
  spec.type ??= 'ClusterIP';
  spec.sessionAffinity ??= 'None';
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  else if (
    spec.sessionAffinity === 'ClientIP' &&
    spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined
  )
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: 10800 } };
  for (const port of spec.ports ?? []) {
    port.protocol ??= 'TCP';
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '')
      port.targetPort = port.port ?? 0;
  }
  if (isExternallyAccessible(spec)) spec.externalTrafficPolicy ??= 'Cluster';
  if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ??= 'Cluster';
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true;
}

function validate(object: KubernetesObject, errors: FieldErrors): void {
  const spec = specOf(object);
  if ((spec.ports ?? []).length === 0 && !isHeadless(spec) && spec.type !== 'ExternalName')
    errors.push(required('spec.ports'));
  if ((spec.type === 'LoadBalancer' || spec.type === 'NodePort') && isHeadless(spec))
    errors.push(
      invalidValue('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`),
    );
  if (spec.type === 'ExternalName') validateExternalName(spec, errors);
  else validateClusterIps(spec, errors);
  validatePorts(spec, errors);
  validateLabels(spec.selector, 'spec.selector', errors);
  validateAffinity(spec, errors);
  for (const [index, ip] of (spec.externalIPs ?? []).entries()) {
    const problem = isIp(ip) ? endpointIpProblem(ip) : ipMessage;
    if (problem !== undefined) errors.push(invalidValue(`spec.externalIPs[${index}]`, ip, problem));
  }
  checkOneOf(spec.type, ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'], 'spec.type', errors);
  validateLoadBalancer(spec, errors);
  if (!isExternallyAccessible(spec)) {
    if (spec.externalTrafficPolicy !== undefined)
      errors.push(
        invalidValue(
          'spec.externalTrafficPolicy',
          spec.externalTrafficPolicy,
          'may only be set for externally-accessible services',
        ),
      );
  } else checkOneOf(spec.externalTrafficPolicy, ['Cluster', 'Local'], 'spec.externalTrafficPolicy', errors);
  checkOneOf(spec.internalTrafficPolicy, ['Cluster', 'Local'], 'spec.internalTrafficPolicy', errors, true);
}

function validateExternalName(spec: ServiceSpec, errors: FieldErrors): void {
  for (const field of ['clusterIPs', 'ipFamilies', 'ipFamilyPolicy'] as const) {
    const value = spec[field];
    if (value !== undefined && value.length > 0)
      errors.push(forbiddenField(`spec.${field}`, 'may not be set for ExternalName services'));
  }
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  if (name === '') errors.push(required('spec.externalName'));
  else checkRule(name, isDns1123Subdomain, 'spec.externalName', errors);
}

function validateClusterIps(spec: ServiceSpec, errors: FieldErrors): void {
  const { clusterIP, clusterIPs = [] } = spec;
  const path = 'spec.clusterIPs';
  if (clusterIP === undefined) {
    if (clusterIPs.length > 0)
      errors.push(invalidValue(path, clusterIPs, 'must be empty when `clusterIP` is not specified'));
  } else if (clusterIPs.length === 0) errors.push(required(path));
  else if (clusterIPs[0] !== clusterIP)
    errors.push(invalidValue(path, clusterIPs, 'first value must match `clusterIP`'));
  for (const [index, ip] of clusterIPs.entries()) {
    if (index === 0 && ip === 'None') {
      if (clusterIPs.length > 1)
        errors.push(invalidValue(path, clusterIPs, "'None' must be the first and only value"));
    } else if (!isIp(ip)) errors.push(invalidValue(`${path}[${index}]`, ip, ipMessage));
  }
  if (clusterIPs.length > 2) errors.push(invalidValue(path, clusterIPs, 'may only hold up to 2 values'));
  else if (clusterIPs.length === 2 && isIpv4(clusterIPs[0]!) === isIpv4(clusterIPs[1]!))
    errors.push(invalidValue(path, clusterIPs, 'may specify no more than one IP for each IP family'));
  for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
    checkOneOf(family, ['IPv4', 'IPv6'], `spec.ipFamilies[${index}]`, errors);
    if (spec.ipFamilies!.indexOf(family) < index) errors.push(duplicate(`spec.ipFamilies[${index}]`, family));
  }
  checkOneOf(
    spec.ipFamilyPolicy,
    ['PreferDualStack', 'RequireDualStack', 'SingleStack'],
    'spec.ipFamilyPolicy',
    errors,
    true,
  );
}

function validatePorts(spec: ServiceSpec, errors: FieldErrors): void {
  const ports = spec.ports ?? [];
  const names = new Set<string>();
  const numbers = new Set<string>();
  const nodePorts = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const at = `spec.ports[${index}]`;
    const { name = '', protocol, nodePort } = port;
    if (name === '') {
      if (ports.length > 1) errors.push(required(`${at}.name`));
    } else {
      checkRule(name, isDns1123Label, `${at}.name`, errors);
      if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
      names.add(name);
    }
    for (const message of isValidPort(port.port ?? 0))
      errors.push(invalidValue(`${at}.port`, port.port ?? 0, message));
    checkOneOf(protocol, protocols, `${at}.protocol`, errors);
    checkPortNumberOrName(port.targetPort, `${at}.targetPort`, errors);
    if (port.appProtocol !== undefined)
      checkRule(port.appProtocol, isQualifiedName, `${at}.appProtocol`, errors);
    const number = `${port.port}/${protocol}`;
    if (numbers.has(number)) errors.push(duplicate(at, { port: port.port, protocol }));
    numbers.add(number);
    if (nodePort === undefined) continue;
    if (spec.type === 'ClusterIP')
      errors.push(forbiddenField(`${at}.nodePort`, "may not be used when `type` is 'ClusterIP'"));
    const node = `${nodePort}/${protocol}`;
    if (nodePorts.has(node)) errors.push(duplicate(`${at}.nodePort`, nodePort));
    nodePorts.add(node);
  }
}

function validateAffinity(spec: ServiceSpec, errors: FieldErrors): void {
  checkOneOf(spec.sessionAffinity, ['ClientIP', 'None'], 'spec.sessionAffinity', errors);
  const path = 'spec.sessionAffinityConfig';
  if (spec.sessionAffinity === 'ClientIP') {
    const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
    if (seconds === undefined) errors.push(required(`${path}.clientIP.timeoutSeconds`));
    else if (seconds <= 0 || seconds > 86400)
      errors.push(
        invalidValue(
          `${path}.clientIP.timeoutSeconds`,
          seconds,
          'must be greater than 0 and less than 86400',
        ),
      );
  } else if (spec.sessionAffinity === 'None' && spec.sessionAffinityConfig !== undefined)
    errors.push(forbiddenField(path, 'must not be set when session affinity is None'));
}

function validateLoadBalancer(spec: ServiceSpec, errors: FieldErrors): void {
  const only = "may only be used when `type` is 'LoadBalancer'";
  const { loadBalancerSourceRanges = [], type } = spec;
  if (loadBalancerSourceRanges.length > 0 && type !== 'LoadBalancer')
    errors.push(forbiddenField('spec.LoadBalancerSourceRanges', only));
  for (const [index, range] of loadBalancerSourceRanges.entries())
    if (!isCidr(range.trim()))
      errors.push(invalidValue(`spec.LoadBalancerSourceRanges[${index}]`, range, cidrMessage));
  if (type === 'LoadBalancer') return;
  for (const field of ['allocateLoadBalancerNodePorts', 'loadBalancerClass'] as const)
    if (spec[field] !== undefined) errors.push(forbiddenField(`spec.${field}`, only));
}

/**
 * Cluster IPs, node ports and health-check ports are allocated by the API server between `prepareForCreate` or
 * `prepareForUpdate` and validation.
 */
export const service = defineKind({
  group: '',
  resource: 'services',
  shortNames: ['svc'],
  categories: ['all'],
  name: dnsLabel,
  columns: serviceColumns,
  initialStatus: () => ({ loadBalancer: {} }),
  setDefaults,
  prepareForCreate(object) {
    normalizeClusterIps(specOf(object), undefined);
  },
  prepareForUpdate(next, previous, { subresource }) {
    if (subresource === 'status') return;
    normalizeClusterIps(specOf(next), specOf(previous));
    keepAllocated(specOf(next), specOf(previous));
    dropForType(specOf(next), specOf(previous));
    if (specOf(next).type !== 'LoadBalancer' && specOf(previous).type === 'LoadBalancer')
      next['status'] = { loadBalancer: {} };
  },
  validate,
  validateUpdate(next, previous, errors, subresource) {
    if (subresource === 'status') return;
    const now = specOf(next);
    const before = specOf(previous);
    const first = before.clusterIPs?.[0];
    const external = now.type === 'ExternalName' || before.type === 'ExternalName';
    if (!external && first !== undefined && first !== now.clusterIPs?.[0])
      errors.push(invalidValue('spec.clusterIPs[0]', now.clusterIPs, 'may not change once set'));
    if (!external && before.ipFamilies?.[0] !== undefined && now.ipFamilies?.[0] !== before.ipFamilies[0])
      errors.push(invalidValue('spec.ipFamilies[0]', now.ipFamilies, 'may not change once set'));
    validate(next, errors);
  },
  selectableFields: {
    'spec.clusterIP': (object) => specOf(object).clusterIP ?? '',
    'spec.type': (object) => specOf(object).type ?? '',
  },
});
