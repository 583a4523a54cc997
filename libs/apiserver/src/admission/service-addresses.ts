import { encodeStored, fieldErrors, internalError, invalid, type KubernetesObject } from '#libs/apimachinery';
import type { Compare, Operation } from '#libs/consensus';
import { contains, formatIpv4, parseIpv4, type Ipv4Range } from './ipv4-range.js';
import { NodePortPlan, type ServicePort } from './node-ports.js';
import type { AdmissionAttributes, AdmissionPlugin, AdmissionReader, Reservation } from './plugin.js';

export interface ServiceAddressOptions {
  readonly range: Ipv4Range;
  /** Inclusive. */
  readonly nodePorts: { readonly first: number; readonly last: number };
}

export interface ServiceSpec {
  type?: string;
  clusterIP?: string;
  clusterIPs?: string[];
  ipFamilies?: string[];
  ipFamilyPolicy?: string;
  ports?: ServicePort[];
  allocateLoadBalancerNodePorts?: boolean;
}

const headless = 'None';
const attemptsMax = 64;

/**
 * Gives Services their cluster IP and node ports. Each one taken is a key of its own (for an address the IPAddress object
 * that Kubernetes keeps too), written in the transaction that stores the Service and demanded to be free in it: two
 * masters never give out the same. A deleted Service frees its own in the transaction that deletes it.
 */
export function serviceAddresses(options: ServiceAddressOptions): AdmissionPlugin {
  return {
    name: 'ServiceAddresses',

    handles: ({ declaration, subresource }) =>
      declaration.resource === 'services' && declaration.group === '' && subresource === '',

    admit({ operation, object, oldObject }) {
      if (operation === 'UPDATE' && object !== undefined && oldObject !== undefined)
        keepAllocated(specOf(object), specOf(oldObject));
    },

    reserve(attributes, reader) {
      const { object, oldObject } = attributes;
      const before = oldObject === undefined ? undefined : specOf(oldObject);
      if (object === undefined) return releaseAll(before);
      const saved = object['spec'];
      object['spec'] = structuredClone(saved ?? {});
      const plan = new Plan(attributes, reader, options);
      plan.settle(specOf(object), before);
      if (plan.isEmpty) {
        // Nothing to take or give back; the clone may still hold defaults that were filled in.
        return undefined;
      }
      return {
        compare: plan.compare,
        operations: plan.operations,
        undo: () => void (object['spec'] = saved),
      };
    },
  };
}

function specOf(object: KubernetesObject): ServiceSpec {
  return (object['spec'] ??= {}) as ServiceSpec;
}

function needsAddress({ type, clusterIP }: ServiceSpec): boolean {
  return type !== 'ExternalName' && clusterIP !== headless;
}

/** What a client leaves out of an update it means to keep. */
function keepAllocated(next: ServiceSpec, before: ServiceSpec): void {
  const hadAddress = needsAddress(before) && before.clusterIP !== undefined && before.clusterIP !== '';
  if (needsAddress(next) && hadAddress && (next.clusterIP ?? '') === '') {
    next.clusterIP = before.clusterIP!;
    next.clusterIPs = [...(before.clusterIPs ?? [before.clusterIP!])];
  }
  for (const port of next.ports ?? []) {
    if ((port.nodePort ?? 0) !== 0 || !usesNodePorts(next)) continue;
    const same = before.ports?.find((old) => old.port === port.port && protocolOf(old) === protocolOf(port));
    if (same?.nodePort !== undefined && same.nodePort !== 0) port.nodePort = same.nodePort;
  }
}

export function usesNodePorts({ type, allocateLoadBalancerNodePorts }: ServiceSpec): boolean {
  return type === 'NodePort' || (type === 'LoadBalancer' && allocateLoadBalancerNodePorts !== false);
}

export function protocolOf({ protocol = 'TCP' }: ServicePort): string {
  return protocol;
}

function addressKey(address: string): string {
  return `/registry/networking.k8s.io/ipaddresses/${address}`;
}

function releaseAll(before: ServiceSpec | undefined): Reservation | undefined {
  if (before === undefined) return undefined;
  const operations: Operation[] = [];
  if (needsAddress(before) && (before.clusterIP ?? '') !== '')
    operations.push({ type: 'delete', key: addressKey(before.clusterIP!) });
  operations.push(...NodePortPlan.releases(before.ports ?? []));
  return operations.length === 0 ? undefined : { compare: [], operations, undo: () => {} };
}

/** The reservations of one Service. */
class Plan {
  readonly compare: Compare[] = [];
  readonly operations: Operation[] = [];

  constructor(
    readonly attributes: AdmissionAttributes,
    readonly reader: AdmissionReader,
    readonly options: ServiceAddressOptions,
  ) {}

  get isEmpty(): boolean {
    return this.operations.length === 0;
  }

  settle(next: ServiceSpec, before: ServiceSpec | undefined): void {
    this.#settleAddress(next, before);
    const ports = new NodePortPlan(this.attributes, this.reader, this.options.nodePorts);
    ports.settle(usesNodePorts(next) ? (next.ports ?? []) : [], before?.ports ?? []);
    if (!usesNodePorts(next) && next.type !== 'LoadBalancer')
      for (const port of next.ports ?? []) delete port.nodePort;
    this.compare.push(...ports.compare);
    this.operations.push(...ports.operations);
  }

  #settleAddress(next: ServiceSpec, before: ServiceSpec | undefined): void {
    const had = before !== undefined && needsAddress(before) ? (before.clusterIP ?? '') : '';
    if (next.type === 'ExternalName') {
      delete next.clusterIP;
      delete next.clusterIPs;
      delete next.ipFamilies;
      delete next.ipFamilyPolicy;
    } else {
      next.ipFamilies ??= ['IPv4'];
      next.ipFamilyPolicy ??= 'SingleStack';
    }
    if (next.clusterIP === headless) next.clusterIPs = [headless];
    const wanted = needsAddress(next);
    if (wanted && had !== '' && next.clusterIP === had) return;
    if (had !== '') this.operations.push({ type: 'delete', key: addressKey(had) });
    if (!wanted) return;
    const address = (next.clusterIP ?? '') === '' ? this.#anyAddress() : this.#thisAddress(next.clusterIP!);
    next.clusterIP = address;
    next.clusterIPs = [address];
    const { bytes, stampOffset } = encodeStored(this.#addressObject(address));
    const key = addressKey(address);
    this.compare.push({ key, target: 'modRevision', operator: '=', operand: 0 });
    this.operations.push({ type: 'put', key, value: bytes, stampOffset });
  }

  #anyAddress(): string {
    const { range } = this.options;
    const random = Math.floor(this.reader.random() * range.size);
    for (let attempt = 0; attempt < range.size; attempt++) {
      // A few at random, then one after the other: a range that is nearly full is still used up.
      const offset =
        attempt < attemptsMax
          ? Math.floor(this.reader.random() * range.size)
          : (random + attempt) % range.size;
      const address = formatIpv4(range.first + offset);
      if (!this.reader.exists(addressKey(address))) return address;
    }
    throw internalError('failed to allocate a serviceIP: range is full');
  }

  #thisAddress(text: string): string {
    const address = parseIpv4(text);
    const { range } = this.options;
    let problem: string | undefined;
    if (address === undefined) problem = 'must be a valid IPv4 address';
    else if (!contains(range, address))
      problem = `failed to allocate IP ${text}: the provided network does not match the current range`;
    else if (this.reader.exists(addressKey(text)))
      problem = `failed to allocate IP ${text}: provided IP is already allocated`;
    if (problem === undefined) return text;
    throw invalid({ group: '', kind: 'Service' }, this.attributes.name, [
      fieldErrors.invalidValue('spec.clusterIPs', [text], problem),
    ]);
  }

  #addressObject(address: string): KubernetesObject {
    const { namespace, name, now } = this.attributes;
    return {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IPAddress',
      metadata: {
        name: address,
        uid: this.reader.uid(),
        creationTimestamp: now,
        labels: {
          'ipaddress.kubernetes.io/ip-family': 'IPv4',
          'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
        },
      },
      spec: { parentRef: { resource: 'services', namespace, name } },
    };
  }
}
