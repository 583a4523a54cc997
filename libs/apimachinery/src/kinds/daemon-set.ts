import { defineKind } from '../scheme/define-kind.js';

export const daemonSet = defineKind({
  group: 'apps',
  resource: 'daemonsets',
  shortNames: ['ds'],
  categories: ['all'],
  generation: true,
});
