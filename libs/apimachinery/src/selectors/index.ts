/**
 * Selecting objects by labels and fields, nodes by terms. Each form is compiled once and then asked often:
 * `const selector = parseLabelSelector('app=web,tier in (a,b)'); selector.matches(pod.metadata.labels)`.
 */
export { labelKeyErrors, labelValueErrors } from './label-syntax.js';
export {
  everythingSelector,
  makeLabelSelector,
  nothingSelector,
  type LabelOperator,
  type LabelRequirement,
  type Labels,
  type LabelSelector,
} from './label-selector.js';
export { parseLabelSelector } from './label-parser.js';
export { compileLabelSelector, selectorFromLabels, type LabelSelectorObject } from './selector-object.js';
export {
  compileNodeSelector,
  compileNodeSelectorTerm,
  type NodeFacts,
  type NodePredicate,
  type NodeSelectorRequirement,
  type NodeSelectorTerm,
} from './node-selector.js';
export {
  checkFieldSelector,
  parseFieldSelector,
  type FieldRequirement,
  type FieldSelector,
} from './field-selector.js';
