import { defineKind } from '../scheme/define-kind.js';

export const priorityClass = defineKind({
  group: 'scheduling.k8s.io',
  resource: 'priorityclasses',
  shortNames: ['pc'],
  generation: true,
});
