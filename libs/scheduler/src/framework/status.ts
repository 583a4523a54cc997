/**
 * Why a pod cannot go on. `unschedulable`: not now; preempting others may help. `unresolvable`: preempting will not
 * help on this node. `pending`: what the pod waits for is under way. `skip`: the plugin has nothing to do for this pod.
 */
export type StatusCode = 'unschedulable' | 'unresolvable' | 'pending' | 'skip' | 'error';

/** Absent means success. Statuses are shared and never changed: make each once where it says nothing of the pod. */
export interface Status {
  readonly code: StatusCode;
  readonly plugin: string;
  readonly reasons: readonly string[];
}

export function makeStatus(code: StatusCode, plugin: string, ...reasons: string[]): Status {
  return { code, plugin, reasons };
}
