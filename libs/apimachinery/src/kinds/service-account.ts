import { defineKind } from '../scheme/define-kind.js';

export const serviceAccount = defineKind({
  group: '',
  resource: 'serviceaccounts',
  shortNames: ['sa'],
});
