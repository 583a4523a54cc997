import type { SubresourceHandlers, VerbHandler } from '../handler/dispatch.js';
import { patchHandler } from '../handler/patch.js';
import { getObject } from '../handler/read.js';
import { updateHandler, type Restrict } from '../handler/write.js';
import { bindPod } from './pod-binding.js';
import { evictPod } from './pod-eviction.js';
import {
  approveSigningRequest,
  finalizeNamespace,
  setEphemeralContainers,
  setResources,
} from './restrictions.js';
import { getScale, patchScale, updateScale } from './scale.js';
import { virtualSubresource } from './virtual-subresource.js';

export interface SubresourceOptions {
  /** Handlers of subresources that others provide, by `group/resource/subresource` and verb, e.g. `/pods/log`. */
  readonly subresources?: SubresourceHandlers;
}

function objectVerbs(restrict?: Restrict): Readonly<Record<string, VerbHandler>> {
  return {
    get: getObject,
    update: (exchange) => updateHandler(exchange, restrict),
    patch: (exchange) => patchHandler(exchange, restrict),
  };
}

/** All subresources that are served, those of the options in front. */
export function subresourceHandlers(options: SubresourceOptions): SubresourceHandlers {
  const handlers = new Map<string, Readonly<Record<string, VerbHandler>>>([
    ['*/*/status', objectVerbs()],
    ['*/*/scale', { get: getScale, update: updateScale, patch: patchScale }],
    ['/pods/binding', { create: bindPod }],
    ['/pods/eviction', { create: evictPod }],
    ['/pods/ephemeralcontainers', objectVerbs(setEphemeralContainers)],
    ['/pods/resize', objectVerbs(setResources)],
    ['/namespaces/finalize', { update: (exchange) => updateHandler(exchange, finalizeNamespace) }],
    ['/serviceaccounts/token', { create: virtualSubresource }],
    ['certificates.k8s.io/certificatesigningrequests/approval', objectVerbs(approveSigningRequest)],
  ]);
  for (const [key, verbs] of options.subresources ?? []) handlers.set(key, verbs);
  return handlers;
}
