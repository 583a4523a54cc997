import { defineKind } from '../scheme/define-kind.js';

export const horizontalPodAutoscaler = defineKind({
  group: 'autoscaling',
  resource: 'horizontalpodautoscalers',
  shortNames: ['hpa'],
  categories: ['all'],
});
