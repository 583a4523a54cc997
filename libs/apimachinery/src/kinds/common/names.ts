import type { NameRule } from '../../scheme/define-kind.js';

/**
 * The rules for names of k8s.io/apimachinery/pkg/util/validation, in its words. Each returns what is wrong, nothing where
 * all is right. Expressions run only on texts within the length limit, so that none can be made slow.
 */
export function maxLenError(length: number): string {
  return `must be no more than ${length} characters`;
}

export function regexError(message: string, format: string, ...examples: readonly string[]): string {
  if (examples.length === 0) return `${message} (regex used for validation is '${format}')`;
  const shown = examples.map((example) => `'${example}', `).join(' or ');
  return `${message} (e.g. ${shown}regex used for validation is '${format}')`;
}

const none: readonly string[] = [];

const label1123 = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain1123 = `${label1123}(\\.${label1123})*`;
const label1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const labelKey = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const labelValue = `(${labelKey})?`;
const configKey = '[-._a-zA-Z0-9]+';

const label1123Exp = new RegExp(`^${label1123}$`);
const subdomain1123Exp = new RegExp(`^${subdomain1123}$`);
const label1035Exp = new RegExp(`^${label1035}$`);
const labelKeyExp = new RegExp(`^${labelKey}$`);
const labelValueExp = new RegExp(`^${labelValue}$`);
const configKeyExp = new RegExp(`^${configKey}$`);

export function isDns1123Label(value: string): readonly string[] {
  if (value.length > 63) return [maxLenError(63)];
  if (label1123Exp.test(value)) return none;
  if (subdomain1123Exp.test(value)) return ['must not contain dots'];
  return [
    regexError(
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
      label1123,
      'my-name',
      '123-abc',
    ),
  ];
}

export function isDns1123Subdomain(value: string): readonly string[] {
  if (value.length > 253) return [maxLenError(253)];
  if (subdomain1123Exp.test(value)) return none;
  return [
    regexError(
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
      subdomain1123,
      'example.com',
    ),
  ];
}

export function isDns1035Label(value: string): readonly string[] {
  if (value.length > 63) return [maxLenError(63)];
  if (label1035Exp.test(value)) return none;
  return [
    regexError(
      "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
      label1035,
      'my-name',
      'abc-123',
    ),
  ];
}

const wildcardFormat = `\\*\\.${subdomain1123}`;

export function isWildcardSubdomain(value: string): readonly string[] {
  if (value.length > 253) return [maxLenError(253)];
  if (value.startsWith('*.') && subdomain1123Exp.test(value.slice(2))) return none;
  return [
    regexError(
      "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
      wildcardFormat,
      '*.example.com',
    ),
  ];
}

const keyMessage =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/** A label key: `name` or `prefix/name`. */
export function isQualifiedName(value: string): readonly string[] {
  const slash = value.indexOf('/');
  let name = value;
  const errors: string[] = [];
  if (slash !== -1) {
    if (value.includes('/', slash + 1))
      return [
        `a valid label key ${regexError(keyMessage, labelKey, 'MyName', 'my.name', '123-abc')} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
      ];
    const prefix = value.slice(0, slash);
    name = value.slice(slash + 1);
    if (prefix === '') errors.push('prefix part must be non-empty');
    else for (const message of isDns1123Subdomain(prefix)) errors.push(`prefix part ${message}`);
  }
  if (name === '') errors.push('name part must be non-empty');
  else if (name.length > 63) errors.push(`name part ${maxLenError(63)}`);
  else if (labelKeyExp.test(name)) return errors.length === 0 ? none : errors;
  if (name.length <= 63)
    errors.push(`name part ${regexError(keyMessage, labelKey, 'MyName', 'my.name', '123-abc')}`);
  return errors;
}

export function isLabelValue(value: string): readonly string[] {
  if (value.length > 63) return [maxLenError(63)];
  if (labelValueExp.test(value)) return none;
  return [
    regexError(
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
      labelValue,
      'MyValue',
      'my_value',
      '12345',
    ),
  ];
}

/** A key of a ConfigMap or Secret. */
export function isConfigMapKey(value: string): readonly string[] {
  if (value.length > 253) return [maxLenError(253)];
  const errors: string[] = [];
  if (!configKeyExp.test(value))
    errors.push(
      regexError(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        configKey,
        'key.name',
        'KEY_NAME',
        'key-name',
      ),
    );
  if (value === '.') errors.push("must not be '.'");
  else if (value === '..') errors.push("must not be '..'");
  else if (value.startsWith('..')) errors.push("must not start with '..'");
  return errors;
}

/** A variable's name as kubelets since 1.30 take it: printable ASCII without `=`. */
export function isEnvVarName(value: string): readonly string[] {
  if (value === '') return ['environment variable name must be non-empty'];
  return /^[ -<>-~]*$/.test(value)
    ? none
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

export function isValidPortName(value: string): readonly string[] {
  const errors: string[] = [];
  if (value.length > 15) errors.push(maxLenError(15));
  if (!/^[-a-z0-9]+$/.test(value))
    errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(value)) errors.push('must contain at least one letter (a-z)');
  if (value.includes('--')) errors.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) errors.push('must not begin or end with a hyphen');
  return errors;
}

export function inclusiveRangeError(low: number, high: number): string {
  return `must be between ${low} and ${high}, inclusive`;
}

export function isValidPort(port: number): readonly string[] {
  return Number.isInteger(port) && port >= 1 && port <= 65535 ? none : [inclusiveRangeError(1, 65535)];
}

export function isPercent(value: string): readonly string[] {
  if (/^[0-9]+%$/.test(value)) return none;
  return [
    regexError(
      "a valid percent string must be a numeric string followed by an ending '%'",
      '[0-9]+%',
      '1%',
      '93%',
    ),
  ];
}

/** A generateName may end in a dash: what follows is generated. */
function unmask(name: string, prefix: boolean): string {
  return prefix && name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name;
}

export const dnsSubdomain: NameRule = (name, prefix) => isDns1123Subdomain(unmask(name, prefix));
export const dnsLabel: NameRule = (name, prefix) => isDns1123Label(unmask(name, prefix));

/** Any name that is one segment of a path: the rule of roles and other names with colons. */
export const pathSegment: NameRule = (name, prefix) => {
  if (!prefix && (name === '.' || name === '..')) return [`may not be '${name}'`];
  const errors: string[] = [];
  for (const illegal of ['/', '%']) if (name.includes(illegal)) errors.push(`may not contain '${illegal}'`);
  return errors;
};
