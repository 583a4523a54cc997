/** One answered request, in the labels of apiserver_request_duration_seconds. Watches are reported when they open. */
export interface RequestDone {
  /** As Kubernetes counts them: the method, or LIST, WATCH, DELETECOLLECTION, APPLY. */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly scope: '' | 'resource' | 'namespace' | 'cluster';
  readonly code: number;
  readonly seconds: number;
  readonly responseBytes: number;
  /** True for the controllers and the scheduler of this process. */
  readonly inProcess: boolean;
}

/** Hooks for the composition root, which owns the registries. They must not throw. */
export interface RequestMetrics {
  readonly onRequestDone?: (done: RequestDone) => void;
}
