/** Syntax of label keys and values, with the texts of k8s.io/apimachinery/pkg/util/validation. */

const nameLengthMax = 63;
const prefixLengthMax = 253;
const namePattern = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const valuePattern = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const subdomainPattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

const nameText =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character " +
  "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const keyText =
  "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an " +
  "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is " +
  "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
const valueText =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and " +
  "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is " +
  "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const subdomainText =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and " +
  "end with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/** What is wrong with a label key (a qualified name), nothing when it is good. */
export function labelKeyErrors(key: string): string[] {
  const parts = key.split('/');
  if (parts.length > 2) return [keyText];
  const name = parts[parts.length - 1] ?? '';
  const errors: string[] = [];
  if (parts.length === 2) {
    const prefix = parts[0] ?? '';
    if (prefix === '') errors.push('prefix part must be non-empty');
    else {
      if (prefix.length > prefixLengthMax)
        errors.push(`prefix part must be no more than ${prefixLengthMax} characters`);
      if (!subdomainPattern.test(prefix)) errors.push(`prefix part ${subdomainText}`);
    }
  }
  if (name === '') errors.push('name part must be non-empty');
  else if (name.length > nameLengthMax)
    errors.push(`name part must be no more than ${nameLengthMax} characters`);
  if (!namePattern.test(name)) errors.push(`name part ${nameText}`);
  return errors;
}

/** What is wrong with a label's value, nothing when it is good. */
export function labelValueErrors(value: string): string[] {
  const errors: string[] = [];
  if (value.length > nameLengthMax) errors.push(`must be no more than ${nameLengthMax} characters`);
  if (!valuePattern.test(value)) errors.push(valueText);
  return errors;
}
