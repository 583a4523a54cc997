import { defineKind } from '../scheme/define-kind.js';

export const persistentVolumeClaim = defineKind({
  group: '',
  resource: 'persistentvolumeclaims',
  shortNames: ['pvc'],
});
