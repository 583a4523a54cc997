import { namespaceLifecycle } from './namespace-lifecycle.js';
import type { AdmissionPlugin } from './plugin.js';

/** The plugins that run by default, in Kubernetes' order. */
export function defaultAdmission(): readonly AdmissionPlugin[] {
  return [namespaceLifecycle];
}
