import { defineKind } from '../scheme/define-kind.js';

export const namespace = defineKind({
  group: '',
  resource: 'namespaces',
  shortNames: ['ns'],
});
