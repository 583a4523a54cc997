import { defineKind } from '../scheme/define-kind.js';
import { nameAndAge } from '../tables/core-columns.js';

export const serviceAccount = defineKind({
  group: '',
  resource: 'serviceaccounts',
  shortNames: ['sa'],
  columns: nameAndAge,
});
