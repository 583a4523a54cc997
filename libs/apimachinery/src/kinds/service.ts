import { defineKind } from '../scheme/define-kind.js';

export const service = defineKind({
  group: '',
  resource: 'services',
  shortNames: ['svc'],
  categories: ['all'],
});
