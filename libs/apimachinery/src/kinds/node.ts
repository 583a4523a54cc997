import { defineKind } from '../scheme/define-kind.js';

export const node = defineKind({
  group: '',
  resource: 'nodes',
  shortNames: ['no'],
});
