export { createScheme } from './scheme.js';
export { apiVersionOf, declare, strategyOf, type StrategyShape } from './declare.js';
export { defineKind, type FieldErrors, type KindDefinition, type NameRule } from './define-kind.js';
export { semanticEqual } from './semantic-equal.js';
export { compareVersions } from './version-order.js';
