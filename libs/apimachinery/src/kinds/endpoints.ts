import { invalidValue, required } from '../errors/field-errors.js';
import { defineKind } from '../scheme/define-kind.js';
import type { FieldErrors } from '../scheme/define-kind.js';
import { endpointsColumns } from '../tables/core-columns.js';
import { checkOneOf, checkRequiredLabel, protocols } from './common/checks.js';
import { endpointIpProblem, ipMessage, isIp } from './common/ip.js';
import { isValidPort } from './common/names.js';

interface Address {
  ip?: string;
}
interface Subset {
  addresses?: Address[];
  notReadyAddresses?: Address[];
  ports?: { name?: string; port?: number; protocol?: string }[];
}

function checkAddresses(list: readonly Address[] | undefined, path: string, errors: FieldErrors): void {
  for (const [index, { ip = '' }] of (list ?? []).entries()) {
    const problem = isIp(ip) ? endpointIpProblem(ip) : ipMessage;
    if (problem !== undefined) errors.push(invalidValue(`${path}[${index}].ip`, ip, problem));
  }
}

export const endpoints = defineKind({
  group: '',
  resource: 'endpoints',
  shortNames: ['ep'],
  allowCreateOnUpdate: true,
  columns: endpointsColumns,
  setDefaults(object) {
    for (const { ports } of (object['subsets'] ?? []) as Subset[])
      for (const port of ports ?? []) port.protocol ??= 'TCP';
  },
  validate(object, errors) {
    for (const [index, subset] of ((object['subsets'] ?? []) as Subset[]).entries()) {
      const at = `subsets[${index}]`;
      const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
      if (addresses.length === 0 && notReadyAddresses.length === 0)
        errors.push(required(at, 'must specify `addresses` or `notReadyAddresses`'));
      checkAddresses(addresses, `${at}.addresses`, errors);
      checkAddresses(notReadyAddresses, `${at}.notReadyAddresses`, errors);
      for (const [port, { name, port: number = 0, protocol }] of ports.entries()) {
        if (ports.length > 1 || name !== undefined)
          checkRequiredLabel(name, `${at}.ports[${port}].name`, errors);
        for (const message of isValidPort(number))
          errors.push(invalidValue(`${at}.ports[${port}].port`, number, message));
        checkOneOf(protocol, protocols, `${at}.ports[${port}].protocol`, errors);
      }
    }
  },
});
