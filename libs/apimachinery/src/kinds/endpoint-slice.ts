import { duplicate, invalidValue, required, tooMany } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import type { FieldErrors } from '../scheme/define-kind.js';
import { semanticEqual } from '../scheme/semantic-equal.js';
import { endpointSliceColumns } from '../tables/core-columns.js';
import type { KubernetesObject } from '../types.js';
import { checkOneOf, checkRule, protocols } from './common/checks.js';
import { endpointIpProblem, ipMessage, isIp, isIpv4, isIpv6 } from './common/ip.js';
import { isDns1123Label, isDns1123Subdomain } from './common/names.js';
import { checkImmutable } from './common/workload.js';

interface Endpoint {
  conditions?: object;
  addresses?: string[];
  hostname?: string;
  nodeName?: string;
}
interface Slice {
  addressType?: string;
  endpoints?: Endpoint[];
  ports?: { name?: string; port?: number; protocol?: string }[];
}

const maxEndpoints = 1000;
const maxAddresses = 100;
const maxPorts = 20_000;

function checkAddress(address: string, type: string | undefined, path: string, errors: FieldErrors): void {
  if (type === 'FQDN') {
    checkRule(address.replace(/\.$/, ''), isDns1123Subdomain, path, errors);
    return;
  }
  if (!isIp(address)) errors.push(invalidValue(path, address, ipMessage));
  else if (type === 'IPv4' && !isIpv4(address))
    errors.push(invalidValue(path, address, 'must be an IPv4 address'));
  else if (type === 'IPv6' && !isIpv6(address))
    errors.push(invalidValue(path, address, 'must be an IPv6 address'));
  else {
    const problem = endpointIpProblem(address);
    if (problem !== undefined) errors.push(invalidValue(path, address, problem));
  }
}

function validate(object: KubernetesObject, errors: FieldErrors): void {
  const { addressType, endpoints = [], ports = [] } = object as Slice;
  checkOneOf(addressType, ['FQDN', 'IPv4', 'IPv6'], 'addressType', errors);
  if (ports.length > maxPorts) errors.push(tooMany('ports', ports.length, maxPorts));
  const names = new Set<string>();
  for (const [index, { name = '', protocol }] of ports.slice(0, maxPorts).entries()) {
    if (name !== '') checkRule(name, isDns1123Label, `ports[${index}].name`, errors);
    if (names.has(name)) errors.push(duplicate(`ports[${index}].name`, name));
    names.add(name);
    checkOneOf(protocol, protocols, `ports[${index}].protocol`, errors);
  }
  if (endpoints.length > maxEndpoints) {
    errors.push(tooMany('endpoints', endpoints.length, maxEndpoints));
    return;
  }
  for (const [index, { addresses = [], hostname, nodeName }] of endpoints.entries()) {
    const at = `endpoints[${index}]`;
    if (addresses.length === 0) errors.push(required(`${at}.addresses`, 'must contain at least 1 address'));
    else if (addresses.length > maxAddresses)
      errors.push(tooMany(`${at}.addresses`, addresses.length, maxAddresses));
    for (const [item, address] of addresses.entries())
      checkAddress(address, addressType, `${at}.addresses[${item}]`, errors);
    if (nodeName !== undefined) checkRule(nodeName, isDns1123Subdomain, `${at}.nodeName`, errors);
    if (hostname !== undefined) checkRule(hostname, isDns1123Label, `${at}.hostname`, errors);
  }
}

export const endpointSlice = defineKind({
  group: 'discovery.k8s.io',
  resource: 'endpointslices',
  generation: true,
  alsoNewGeneration: (next, previous) => !semanticEqual(next.metadata.labels, previous.metadata.labels),
  columns: endpointSliceColumns,
  setDefaults(object) {
    for (const endpoint of (object as Slice).endpoints ?? []) endpoint.conditions ??= {};
    for (const port of (object as Slice).ports ?? []) {
      port.name ??= '';
      port.protocol ??= 'TCP';
    }
  },
  validate,
  validateUpdate(next, previous, errors) {
    validate(next, errors);
    checkImmutable(next['addressType'], previous['addressType'], 'addressType', errors);
  },
});
