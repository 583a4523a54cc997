import { defineKind } from '../scheme/define-kind.js';

export const secret = defineKind({
  group: '',
  resource: 'secrets',
});
