import { badSelector } from './label-selector.js';

export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

export interface FieldSelector {
  readonly requirements: readonly FieldRequirement[];
  readonly everything: boolean;
  /** `lookup` gives a field's value, '' where the object has none. */
  readonly matches: (lookup: (field: string) => string) => boolean;
  /** The value that the selector demands of a field by `=`, undefined where it demands none. */
  readonly requiredValue: (field: string) => string | undefined;
  readonly toString: () => string;
}

/**
 * Reads `metadata.name=web,status.phase!=Running`. `\\`, `\,` and `\=` escape what else would end a value.
 * Throws ApiError 400 with the texts of k8s.io/apimachinery/pkg/fields.
 */
export function parseFieldSelector(text: string): FieldSelector {
  const requirements: FieldRequirement[] = [];
  for (const term of splitTerms(text).sort()) {
    if (term === '') continue;
    const match = /!=|==?/.exec(term);
    if (match === null) throw badSelector(`invalid selector: '${text}'; can't understand '${term}'`);
    requirements.push({
      field: term.slice(0, match.index),
      operator: match[0] === '!=' ? '!=' : '=',
      value: unescapeValue(term.slice(match.index + match[0].length)),
    });
  }
  return {
    requirements,
    everything: requirements.length === 0,
    matches: (lookup) =>
      requirements.every(({ field, operator, value }) => (lookup(field) === value) === (operator === '=')),
    requiredValue: (field) =>
      requirements.find((requirement) => requirement.field === field && requirement.operator === '=')?.value,
    toString: () =>
      requirements.map(({ field, operator, value }) => `${field}${operator}${escapeValue(value)}`).join(','),
  };
}

/** Splits at commas that no backslash precedes. */
function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === ',') {
      terms.push(text.slice(start, at));
      start = at + 1;
    }
  }
  terms.push(text.slice(start));
  return terms;
}

function unescapeValue(value: string): string {
  if (!/[\\,=]/.test(value)) return value;
  let result = '';
  for (let at = 0; at < value.length; at++) {
    const character = value[at] ?? '';
    if (character === '\\') {
      const next = value[at + 1] ?? '';
      if (next === '' || !'\\,='.includes(next)) {
        throw badSelector(`invalid field selector: invalid escape sequence: \\${next}`);
      }
      result += next;
      at++;
    } else if (character === ',' || character === '=') {
      // Kubernetes prints the character by its number here.
      throw badSelector(`invalid field selector: unescaped character in value: ${character.charCodeAt(0)}`);
    } else result += character;
  }
  return result;
}

function escapeValue(value: string): string {
  return value.replace(/[\\,=]/g, (character) => `\\${character}`);
}

/** Refuses a selector by a field that the kind cannot be selected by, as Kubernetes words it. */
export function checkFieldSelector(selector: FieldSelector, isSelectable: (field: string) => boolean): void {
  for (const { field } of selector.requirements) {
    if (!isSelectable(field)) throw badSelector(`field label not supported: ${field}`);
  }
}
