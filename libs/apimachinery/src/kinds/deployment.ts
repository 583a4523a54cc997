import { defineKind } from '../scheme/define-kind.js';

export const deployment = defineKind({
  group: 'apps',
  resource: 'deployments',
  shortNames: ['deploy'],
  categories: ['all'],
  generation: true,
});
