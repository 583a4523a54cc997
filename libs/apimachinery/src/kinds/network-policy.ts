import { defineKind } from '../scheme/define-kind.js';

export const networkPolicy = defineKind({
  group: 'networking.k8s.io',
  resource: 'networkpolicies',
  shortNames: ['netpol'],
  generation: true,
});
