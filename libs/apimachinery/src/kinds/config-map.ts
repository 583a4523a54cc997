import { defineKind } from '../scheme/define-kind.js';

export const configMap = defineKind({
  group: '',
  resource: 'configmaps',
  shortNames: ['cm'],
});
