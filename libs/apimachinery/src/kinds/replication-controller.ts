import { defineKind } from '../scheme/define-kind.js';

export const replicationController = defineKind({
  group: '',
  resource: 'replicationcontrollers',
  shortNames: ['rc'],
  categories: ['all'],
  generation: true,
});
