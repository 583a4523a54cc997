import { defineKind } from '../scheme/define-kind.js';

export const resourceQuota = defineKind({
  group: '',
  resource: 'resourcequotas',
  shortNames: ['quota'],
});
