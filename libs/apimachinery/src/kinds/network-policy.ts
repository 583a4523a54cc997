import { forbiddenField, invalidValue, notSupported, required } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import type { FieldErrors } from '../scheme/define-kind.js';
import { networkPolicyColumns } from '../tables/policy-columns.js';
import type { KubernetesObject } from '../types.js';
import { checkLabelSelector, checkOneOf, checkPortNumberOrName } from './common/checks.js';
import { cidrMessage, isCidr } from './common/ip.js';
import { isValidPort } from './common/names.js';
import type { LabelSelector } from './common/pod-types.js';

interface PolicyPort {
  port?: number | string;
  endPort?: number;
  protocol?: string;
}
interface Peer {
  podSelector?: LabelSelector;
  namespaceSelector?: LabelSelector;
  ipBlock?: { cidr?: string; except?: string[] };
}
interface PolicySpec {
  podSelector?: LabelSelector;
  ingress?: { ports?: PolicyPort[]; from?: Peer[] }[];
  egress?: { ports?: PolicyPort[]; to?: Peer[] }[];
  policyTypes?: string[];
}

const specOf = (object: KubernetesObject): PolicySpec => (object['spec'] ?? {}) as PolicySpec;

function checkPort({ port, endPort, protocol }: PolicyPort, at: string, errors: FieldErrors): void {
  checkOneOf(protocol, ['TCP', 'UDP', 'SCTP'], `${at}.protocol`, errors, true);
  if (port !== undefined) checkPortNumberOrName(port, `${at}.port`, errors);
  if (endPort === undefined) return;
  const path = `${at}.endPort`;
  if (port === undefined)
    errors.push(invalidValue(path, endPort, 'may not be specified when `port` is not specified'));
  else if (typeof port === 'string')
    errors.push(invalidValue(path, endPort, 'may not be specified when `port` is non-numeric'));
  else {
    if (endPort < port) errors.push(invalidValue(path, port, 'must be greater than or equal to `port`'));
    for (const message of isValidPort(endPort)) errors.push(invalidValue(path, endPort, message));
  }
}

function checkPeer({ podSelector, namespaceSelector, ipBlock }: Peer, at: string, errors: FieldErrors): void {
  checkLabelSelector(podSelector, `${at}.podSelector`, errors);
  checkLabelSelector(namespaceSelector, `${at}.namespaceSelector`, errors);
  if (ipBlock !== undefined) {
    const { cidr = '', except = [] } = ipBlock;
    if (cidr === '') errors.push(required(`${at}.ipBlock.cidr`));
    else if (!isCidr(cidr)) errors.push(invalidValue(`${at}.ipBlock.cidr`, cidr, cidrMessage));
    for (const [index, one] of except.entries())
      if (!isCidr(one)) errors.push(invalidValue(`${at}.ipBlock.except[${index}]`, one, cidrMessage));
  }
  if (podSelector === undefined && namespaceSelector === undefined) {
    if (ipBlock === undefined) errors.push(required(at, 'must specify a peer'));
  } else if (ipBlock !== undefined)
    errors.push(forbiddenField(at, 'may not specify both ipBlock and another peer'));
}

export const networkPolicy = defineKind({
  group: 'networking.k8s.io',
  resource: 'networkpolicies',
  shortNames: ['netpol'],
  generation: true,
  columns: networkPolicyColumns,
  setDefaults(object) {
    const spec = specOf(object);
    for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])])
      for (const port of rule.ports ?? []) port.protocol ??= 'TCP';
    if ((spec.policyTypes ?? []).length === 0)
      spec.policyTypes = (spec.egress ?? []).length === 0 ? ['Ingress'] : ['Ingress', 'Egress'];
  },
  validate(object, errors) {
    const spec = specOf(object);
    checkLabelSelector(spec.podSelector, 'spec.podSelector', errors);
    for (const [index, { ports = [], from = [] }] of (spec.ingress ?? []).entries()) {
      for (const [item, port] of ports.entries())
        checkPort(port, `spec.ingress[${index}].ports[${item}]`, errors);
      for (const [item, peer] of from.entries())
        checkPeer(peer, `spec.ingress[${index}].from[${item}]`, errors);
    }
    for (const [index, { ports = [], to = [] }] of (spec.egress ?? []).entries()) {
      for (const [item, port] of ports.entries())
        checkPort(port, `spec.egress[${index}].ports[${item}]`, errors);
      for (const [item, peer] of to.entries()) checkPeer(peer, `spec.egress[${index}].to[${item}]`, errors);
    }
    const types = spec.policyTypes ?? [];
    if (types.length > 2)
      errors.push(invalidValue('spec.policyTypes', types, 'may not specify more than two policyTypes'));
    else
      for (const [index, type] of types.entries())
        if (type !== 'Ingress' && type !== 'Egress')
          errors.push(notSupported(`spec.policyTypes[${index}]`, type, ['Ingress', 'Egress']));
  },
});
