import { resources, type ReplicationController } from '#libs/client';
import type { Controller, ControllerContext } from './context.js';
import { selectorOf, selectorOfLabels } from './core/selectors.js';
import { createReplicaController } from './replicaset-core.js';

/** ReplicationController: what ReplicaSet was before set-based selectors. */
export function createReplicationControllerController(context: ControllerContext): Controller {
  return createReplicaController<ReplicationController>(context, {
    name: 'replicationcontroller',
    kind: 'ReplicationController',
    apiGroupPrefix: 'v1',
    ref: resources.replicationControllers,
    replicas: (object) => object.spec.replicas ?? 1,
    selector: (object) =>
      object.spec.selector === undefined ? selectorOf(undefined) : selectorOfLabels(object.spec.selector),
    template: (object) => object.spec.template,
    minReadySeconds: (object) => object.spec.minReadySeconds ?? 0,
  });
}
