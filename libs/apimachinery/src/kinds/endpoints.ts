import { defineKind } from '../scheme/define-kind.js';

export const endpoints = defineKind({
  group: '',
  resource: 'endpoints',
  shortNames: ['ep'],
});
