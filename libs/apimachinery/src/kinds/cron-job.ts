import { defineKind } from '../scheme/define-kind.js';

export const cronJob = defineKind({
  group: 'batch',
  resource: 'cronjobs',
  shortNames: ['cj'],
  categories: ['all'],
  generation: true,
});
