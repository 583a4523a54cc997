import { defineKind } from '../scheme/define-kind.js';

export const lease = defineKind({
  group: 'coordination.k8s.io',
  resource: 'leases',
});
