import { defineKind } from '../scheme/define-kind.js';

export const storageClass = defineKind({
  group: 'storage.k8s.io',
  resource: 'storageclasses',
  shortNames: ['sc'],
});
