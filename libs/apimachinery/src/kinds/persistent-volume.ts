import { defineKind } from '../scheme/define-kind.js';

export const persistentVolume = defineKind({
  group: '',
  resource: 'persistentvolumes',
  shortNames: ['pv'],
});
