import { defineKind } from '../scheme/define-kind.js';

export const replicaSet = defineKind({
  group: 'apps',
  resource: 'replicasets',
  shortNames: ['rs'],
  categories: ['all'],
  generation: true,
});
