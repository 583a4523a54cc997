import { defineKind } from '../scheme/define-kind.js';

export const customResourceDefinition = defineKind({
  group: 'apiextensions.k8s.io',
  resource: 'customresourcedefinitions',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  generation: true,
});
