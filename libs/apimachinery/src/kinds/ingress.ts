import { invalidValue, notSupported, required } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import type { FieldErrors } from '../scheme/define-kind.js';
import { ingressColumns } from '../tables/policy-columns.js';
import type { KubernetesObject } from '../types.js';
import { checkRule } from './common/checks.js';
import { isIp } from './common/ip.js';
import {
  isDns1123Label,
  isDns1123Subdomain,
  isValidPort,
  isValidPortName,
  isWildcardSubdomain,
} from './common/names.js';

interface Backend {
  service?: { name?: string; port?: { name?: string; number?: number } };
  resource?: { kind?: string; name?: string };
}
interface HttpPath {
  path?: string;
  pathType?: string;
  backend?: Backend;
}
interface IngressSpec {
  ingressClassName?: string;
  defaultBackend?: Backend;
  rules?: { host?: string; http?: { paths?: HttpPath[] } }[];
  tls?: { hosts?: string[]; secretName?: string }[];
}

const badSequences = ['//', '/./', '/../', '%2f', '%2F'];
const badSuffixes = ['/..', '/.'];

function checkPath(one: HttpPath, at: string, errors: FieldErrors): void {
  const { path = '', pathType } = one;
  if (pathType === undefined) {
    errors.push(required(`${at}.pathType`, 'pathType must be specified'));
    return;
  }
  if (pathType === 'Exact' || pathType === 'Prefix') {
    if (!path.startsWith('/')) errors.push(invalidValue(`${at}.path`, path, 'must be an absolute path'));
    for (const bad of badSequences)
      if (path.includes(bad)) errors.push(invalidValue(`${at}.path`, path, `must not contain '${bad}'`));
    for (const bad of badSuffixes)
      if (path.endsWith(bad)) errors.push(invalidValue(`${at}.path`, path, `cannot end with '${bad}'`));
  } else if (pathType === 'ImplementationSpecific') {
    if (path !== '' && !path.startsWith('/'))
      errors.push(invalidValue(`${at}.path`, path, 'must be an absolute path'));
  } else errors.push(notSupported(`${at}.pathType`, pathType, ['Exact', 'ImplementationSpecific', 'Prefix']));
  checkBackend(one.backend ?? {}, `${at}.backend`, errors);
}

function checkBackend({ service, resource }: Backend, at: string, errors: FieldErrors): void {
  if (service !== undefined && resource !== undefined)
    errors.push(invalidValue(at, '', 'cannot set both resource and service backends'));
  else if (resource !== undefined) {
    if ((resource.kind ?? '') === '') errors.push(required(`${at}.resource.kind`));
    if ((resource.name ?? '') === '') errors.push(required(`${at}.resource.name`));
  } else if (service !== undefined) {
    if ((service.name ?? '') === '') errors.push(required(`${at}.service.name`));
    else checkRule(service.name!, isDns1123Label, `${at}.service.name`, errors);
    const { name = '', number = 0 } = service.port ?? {};
    if (name !== '' && number !== 0)
      errors.push(invalidValue(at, '', 'cannot set both port name & port number'));
    else if (name !== '') checkRule(name, isValidPortName, `${at}.service.port.name`, errors);
    else if (number === 0) errors.push(required(at, 'port name or number is required'));
    else
      for (const message of isValidPort(number))
        errors.push(invalidValue(`${at}.service.port.number`, number, message));
  } else errors.push(invalidValue(at, '', 'resource or service backend is required'));
}

function checkHost(host: string, at: string, errors: FieldErrors): void {
  if (isIp(host)) errors.push(invalidValue(at, host, 'must be a DNS name, not an IP address'));
  checkRule(host, host.includes('*') ? isWildcardSubdomain : isDns1123Subdomain, at, errors);
}

function validate(object: KubernetesObject, errors: FieldErrors): void {
  const { rules = [], defaultBackend, tls = [], ingressClassName } = (object['spec'] ?? {}) as IngressSpec;
  if (rules.length === 0 && defaultBackend === undefined)
    errors.push(invalidValue('spec', null, 'either `defaultBackend` or `rules` must be specified'));
  if (defaultBackend !== undefined) checkBackend(defaultBackend, 'spec.defaultBackend', errors);
  for (const [index, { host = '', http }] of rules.entries()) {
    const at = `spec.rules[${index}]`;
    if (host !== '') checkHost(host, `${at}.host`, errors);
    if (http === undefined) continue;
    if ((http.paths ?? []).length === 0) errors.push(required(`${at}.http.paths`));
    for (const [item, path] of (http.paths ?? []).entries())
      checkPath(path, `${at}.http.paths[${item}]`, errors);
  }
  for (const [index, { hosts = [] }] of tls.entries())
    for (const [item, host] of hosts.entries())
      checkRule(
        host,
        host.includes('*') ? isWildcardSubdomain : isDns1123Subdomain,
        `spec.tls[${index}].hosts[${item}]`,
        errors,
      );
  if (ingressClassName !== undefined)
    checkRule(ingressClassName, isDns1123Subdomain, 'spec.ingressClassName', errors);
}

export const ingress = defineKind({
  group: 'networking.k8s.io',
  resource: 'ingresses',
  shortNames: ['ing'],
  generation: true,
  columns: ingressColumns,
  initialStatus: () => ({ loadBalancer: {} }),
  validate,
  validateUpdate(next, _previous, errors, subresource) {
    if (subresource !== 'status') validate(next, errors);
  },
});
