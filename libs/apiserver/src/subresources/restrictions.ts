import { badRequest, type KubernetesObject } from '#libs/apimachinery';
import type { Restrict } from '../handler/write.js';

interface Container {
  readonly name: string;
  readonly resources?: unknown;
  readonly resizePolicy?: unknown;
}

type Spec = Record<string, unknown> & {
  readonly containers?: readonly Container[];
  readonly initContainers?: readonly Container[];
};

function specOf(object: KubernetesObject): Spec {
  return (object['spec'] ?? {}) as Spec;
}

function withSpec(current: KubernetesObject, spec: Spec): KubernetesObject {
  return { ...current, metadata: { ...current.metadata }, spec };
}

/** `pods/ephemeralcontainers`: nothing but the list of ephemeral containers. */
export const setEphemeralContainers: Restrict = (current, proposed) =>
  withSpec(current, { ...specOf(current), ephemeralContainers: specOf(proposed)['ephemeralContainers'] });

/** `pods/resize`: nothing but resources and resize policies of the containers that are there. */
export const setResources: Restrict = (current, proposed) => {
  const spec = specOf(current);
  const wanted = specOf(proposed);
  const next = { ...spec };
  for (const list of ['containers', 'initContainers'] as const) {
    const containers = spec[list];
    if (containers === undefined) continue;
    (next as Record<string, unknown>)[list] = containers.map((container) => resized(container, wanted[list]));
  }
  return withSpec(current, next);
};

function resized(container: Container, wanted: readonly Container[] | undefined): Container {
  const to = wanted?.find(({ name }) => name === container.name);
  if (to === undefined)
    throw badRequest(
      `spec.containers: container ${JSON.stringify(container.name)} may not be removed by a resize`,
    );
  return {
    ...container,
    ...(to.resources === undefined ? {} : { resources: to.resources }),
    ...(to.resizePolicy === undefined ? {} : { resizePolicy: to.resizePolicy }),
  };
}

/** `namespaces/finalize`: nothing but the namespace's own finalizers. */
export const finalizeNamespace: Restrict = (current, proposed) =>
  withSpec(current, { ...specOf(current), finalizers: specOf(proposed)['finalizers'] ?? [] });

/** `certificatesigningrequests/approval`: nothing but the conditions, and no Status beside them. */
export const approveSigningRequest: Restrict = (current, proposed) => {
  const status = (current['status'] ?? {}) as Record<string, unknown>;
  const { conditions } = (proposed['status'] ?? {}) as { conditions?: unknown };
  return { ...current, metadata: { ...current.metadata }, status: { ...status, conditions } };
};
