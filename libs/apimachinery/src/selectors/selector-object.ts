import {
  badSelector,
  makeLabelSelector,
  nothingSelector,
  type LabelOperator,
  type LabelRequirement,
  type LabelSelector,
} from './label-selector.js';

/** metav1.LabelSelector, as in `spec.selector` of a Deployment. */
export interface LabelSelectorObject {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

const operators: ReadonlyMap<string, LabelOperator> = new Map<string, LabelOperator>([
  ['In', 'in'],
  ['NotIn', 'notin'],
  ['Exists', 'exists'],
  ['DoesNotExist', '!'],
]);

/** An absent selector selects nothing, an empty one everything. Throws ApiError 400 where the object is no selector. */
export function compileLabelSelector(selector: LabelSelectorObject | undefined | null): LabelSelector {
  if (selector === undefined || selector === null) return nothingSelector;
  const requirements: LabelRequirement[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    requirements.push({ key, operator: '=', values: [value] });
  }
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const known = operators.get(operator);
    if (known === undefined) throw badSelector(`"${operator}" is not a valid label selector operator`);
    requirements.push({ key, operator: known, values: [...new Set(values)].sort() });
  }
  return makeLabelSelector(requirements);
}

/** A plain map as a selector: of a Service, a ReplicationController, a pod's nodeSelector. Empty selects everything. */
export function selectorFromLabels(labels: Readonly<Record<string, string>>): LabelSelector {
  return compileLabelSelector({ matchLabels: labels });
}
