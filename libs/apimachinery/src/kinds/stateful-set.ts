import { defineKind } from '../scheme/define-kind.js';

export const statefulSet = defineKind({
  group: 'apps',
  resource: 'statefulsets',
  shortNames: ['sts'],
  categories: ['all'],
  generation: true,
});
