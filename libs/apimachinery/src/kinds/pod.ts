import { defineKind } from '../scheme/define-kind.js';

export const pod = defineKind({
  group: '',
  resource: 'pods',
  shortNames: ['po'],
  categories: ['all'],
  generation: true,
});
