import {
  makeLabelSelector,
  type LabelOperator,
  type LabelRequirement,
  type Labels,
} from './label-selector.js';

export interface NodeSelectorRequirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

/** core/v1 NodeSelectorTerm: all expressions and all fields must hold. */
export interface NodeSelectorTerm {
  readonly matchExpressions?: readonly NodeSelectorRequirement[];
  readonly matchFields?: readonly NodeSelectorRequirement[];
}

/** What of a node a term looks at. */
export interface NodeFacts {
  readonly name: string;
  readonly labels: Labels | undefined;
}

export type NodePredicate = (node: NodeFacts) => boolean;

const operators: ReadonlyMap<string, LabelOperator> = new Map<string, LabelOperator>([
  ['In', 'in'],
  ['NotIn', 'notin'],
  ['Exists', 'exists'],
  ['DoesNotExist', '!'],
  ['Gt', 'gt'],
  ['Lt', 'lt'],
]);

/** A node that any term admits is selected; a selector without terms selects none. */
export function compileNodeSelector(selector: {
  readonly nodeSelectorTerms: readonly NodeSelectorTerm[];
}): NodePredicate {
  const terms = selector.nodeSelectorTerms.map(compileNodeSelectorTerm);
  return (node) => terms.some((term) => term(node));
}

/**
 * One term. An empty term selects nothing, and neither does one that cannot be read (a `Gt` without an integer):
 * such a term does not spoil the others beside it.
 */
export function compileNodeSelectorTerm(term: NodeSelectorTerm): NodePredicate {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length === 0 && fields.length === 0) return () => false;
  const labels = compileExpressions(expressions);
  const byField = fields.map(compileField);
  if (labels === undefined) return () => false;
  return (node) => labels(node.labels) && byField.every((predicate) => predicate(node));
}

function compileExpressions(
  expressions: readonly NodeSelectorRequirement[],
): ((labels: Labels | undefined) => boolean) | undefined {
  const requirements: LabelRequirement[] = [];
  for (const { key, operator, values } of expressions) {
    const known = operators.get(operator);
    if (known === undefined) return undefined;
    requirements.push({ key, operator: known, values: values ?? [] });
  }
  try {
    return makeLabelSelector(requirements).matches;
  } catch {
    return undefined;
  }
}

/** The one field of a node that can be selected by is its name, and by one value. */
function compileField({ key, operator, values }: NodeSelectorRequirement): NodePredicate {
  if (key !== 'metadata.name' || values?.length !== 1) return () => false;
  const [name] = values;
  if (operator === 'In') return (node) => node.name === name;
  if (operator === 'NotIn') return (node) => node.name !== name;
  return () => false;
}
