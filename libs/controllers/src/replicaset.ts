import { resources, type ReplicaSet } from '#libs/client';
import type { Controller, ControllerContext } from './context.js';
import { selectorOf } from './core/selectors.js';
import { createReplicaController } from './replicaset-core.js';

/** ReplicaSet: a number of pods of one template. */
export function createReplicaSetController(context: ControllerContext): Controller {
  return createReplicaController<ReplicaSet>(context, {
    name: 'replicaset',
    kind: 'ReplicaSet',
    apiGroupPrefix: 'apps/',
    ref: resources.replicaSets,
    replicas: (object) => object.spec.replicas ?? 1,
    selector: (object) => selectorOf(object.spec.selector),
    template: (object) => object.spec.template,
    minReadySeconds: (object) => object.spec.minReadySeconds ?? 0,
  });
}
