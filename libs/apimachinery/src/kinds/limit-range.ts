import { defineKind } from '../scheme/define-kind.js';

export const limitRange = defineKind({
  group: '',
  resource: 'limitranges',
  shortNames: ['limits'],
});
