import { defineKind } from '../scheme/define-kind.js';

export const job = defineKind({
  group: 'batch',
  resource: 'jobs',
  categories: ['all'],
  generation: true,
});
