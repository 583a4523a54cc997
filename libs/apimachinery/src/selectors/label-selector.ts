import { ApiError } from '../errors/api-error.js';
import { labelKeyErrors, labelValueErrors } from './label-syntax.js';

export type Labels = Readonly<Record<string, string>>;

export type LabelOperator = 'in' | 'notin' | '=' | '==' | '!=' | 'exists' | '!' | 'gt' | 'lt';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  /** Sorted, without repetition. */
  readonly values: readonly string[];
}

/** A selector made ready to be asked often. `matches` is a closure: it may be passed on by itself. */
export interface LabelSelector {
  /** Sorted by key; all must hold. */
  readonly requirements: readonly LabelRequirement[];
  /** Matches every set of labels. */
  readonly everything: boolean;
  readonly matches: (labels: Labels | undefined) => boolean;
  /** The canonical text, e.g. `app=web,tier in (a,b),!legacy`. */
  readonly toString: () => string;
}

export const everythingSelector: LabelSelector = {
  requirements: [],
  everything: true,
  matches: () => true,
  toString: () => '',
};

/** What an absent selector of a controller means. */
export const nothingSelector: LabelSelector = {
  requirements: [],
  everything: false,
  matches: () => false,
  toString: () => '<null>',
};

type Predicate = (labels: Labels | undefined) => boolean;

/** Checks each requirement; throws ApiError 400 with Kubernetes' text for the first that is wrong. */
export function makeLabelSelector(requirements: readonly LabelRequirement[]): LabelSelector {
  if (requirements.length === 0) return everythingSelector;
  for (const requirement of requirements) checkRequirement(requirement);
  const sorted = [...requirements].sort((a, b) => (a.key === b.key ? 0 : a.key < b.key ? -1 : 1));
  const predicates = sorted.map(requirementPredicate);
  const [first] = predicates;
  return {
    requirements: sorted,
    everything: false,
    matches:
      predicates.length === 1 && first !== undefined
        ? first
        : (labels) => predicates.every((predicate) => predicate(labels)),
    toString: () => sorted.map(requirementText).join(','),
  };
}

function requirementPredicate({ key, operator, values }: LabelRequirement): Predicate {
  // A label is a string: what an object's prototype has under the same name is not one.
  const [only = ''] = values;
  switch (operator) {
    case '=':
    case '==':
      return (labels) => labels !== undefined && labels[key] === only;
    case '!=':
      return (labels) => labels?.[key] !== only;
    case 'in':
      return (labels) => {
        const value = labels?.[key];
        return typeof value === 'string' && values.includes(value);
      };
    case 'notin':
      return (labels) => {
        const value = labels?.[key];
        return typeof value !== 'string' || !values.includes(value);
      };
    case 'exists':
      return (labels) => typeof labels?.[key] === 'string';
    case '!':
      return (labels) => typeof labels?.[key] !== 'string';
    case 'gt':
    case 'lt':
      return integerPredicate(key, operator, only);
  }
}

function integerPredicate(key: string, operator: 'gt' | 'lt', bound: string): Predicate {
  const limit = parseInteger(bound);
  return (labels) => {
    const value = labels?.[key];
    const actual = typeof value === 'string' ? parseInteger(value) : undefined;
    if (actual === undefined || limit === undefined) return false;
    return operator === 'gt' ? actual > limit : actual < limit;
  };
}

/** An int64 as Go's strconv reads it; label values have at most 63 characters. */
function parseInteger(text: string): bigint | undefined {
  if (text.length > 63 || !/^[+-]?[0-9]+$/.test(text)) return undefined;
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text);
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

function requirementText({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${values.join(',')})`;
    case 'gt':
      return `${key}>${values.join('')}`;
    case 'lt':
      return `${key}<${values.join('')}`;
    default:
      return `${key}${operator}${values.join('')}`;
  }
}

export function badSelector(message: string): ApiError {
  return new ApiError(400, 'BadRequest', message);
}

/** Throws what `labels.NewRequirement` answers; its errors are field errors under `key` and `values`. */
function checkRequirement({ key, operator, values }: LabelRequirement): void {
  checkLabelKey(key);
  const list = `[${values.map((value) => JSON.stringify(value)).join(',')}]`;
  const invalidValues = (detail: string) => badSelector(`values: Invalid value: ${list}: ${detail}`);
  if ((operator === 'in' || operator === 'notin') && values.length === 0) {
    throw invalidValues("for 'in', 'notin' operators, values set can't be empty");
  }
  if ((operator === 'exists' || operator === '!') && values.length > 0) {
    throw invalidValues('values set must be empty for exists and does not exist');
  }
  if ((operator === '=' || operator === '==' || operator === '!=') && values.length !== 1) {
    throw invalidValues('exact-match compatibility requires one single value');
  }
  if (operator === 'gt' || operator === 'lt') {
    if (values.length !== 1) throw invalidValues("for 'Gt', 'Lt' operators, exactly one value is required");
    if (parseInteger(values[0] ?? '') === undefined) {
      throw badSelector(
        `values[0]: Invalid value: ${JSON.stringify(values[0])}: for 'Gt', 'Lt' operators, the value must be an integer`,
      );
    }
  }
  for (const [index, value] of values.entries()) {
    const errors = labelValueErrors(value);
    if (errors.length > 0) {
      throw badSelector(
        `values[${index}][${key}]: Invalid value: ${JSON.stringify(value)}: ${errors.join('; ')}`,
      );
    }
  }
}

export function checkLabelKey(key: string): void {
  const errors = labelKeyErrors(key);
  if (errors.length > 0)
    throw badSelector(`key: Invalid value: ${JSON.stringify(key)}: ${errors.join('; ')}`);
}
