import { defineKind } from '../scheme/define-kind.js';

export const ingress = defineKind({
  group: 'networking.k8s.io',
  resource: 'ingresses',
  shortNames: ['ing'],
  generation: true,
});
