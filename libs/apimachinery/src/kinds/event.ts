import { defineKind } from '../scheme/define-kind.js';

export const coreEvent = defineKind({
  group: '',
  resource: 'events',
  shortNames: ['ev'],
});
