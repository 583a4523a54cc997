import { defineKind } from '../scheme/define-kind.js';

export const controllerRevision = defineKind({
  group: 'apps',
  resource: 'controllerrevisions',
});
