import { defineKind } from '../scheme/define-kind.js';

export const podDisruptionBudget = defineKind({
  group: 'policy',
  resource: 'poddisruptionbudgets',
  shortNames: ['pdb'],
  generation: true,
});
