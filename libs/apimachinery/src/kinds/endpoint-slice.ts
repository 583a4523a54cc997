import { defineKind } from '../scheme/define-kind.js';

export const endpointSlice = defineKind({
  group: 'discovery.k8s.io',
  resource: 'endpointslices',
  generation: true,
});
