import { isAlreadyExists, isNotFound, keyOf, makeKey, resources, type Namespace } from '#libs/client';
import { isNamespaceTerminating } from './core/pods.js';
import { makeController, queueFor, type Controller, type ControllerContext } from './context.js';

/** Sees to it that every namespace has a ServiceAccount `default`. */
export function createServiceAccountController(context: ControllerContext): Controller {
  return createPerNamespaceController(context, 'serviceaccount', async (namespace) => {
    const accounts = context.client.resource(resources.serviceAccounts);
    await accounts.create({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default', namespace },
    });
  });
}

/** Publishes the cluster's CA (PEM) to every namespace as ConfigMap `kube-root-ca.crt`, and restores it when changed. */
export function createRootCaPublisherController(context: ControllerContext, rootCa: string): Controller {
  const name = 'kube-root-ca.crt';
  const maps = context.informers.informer(resources.configMaps);
  const client = context.client.resource(resources.configMaps);
  const description =
    'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';
  const wanted = (): { annotations: Record<string, string>; data: Record<string, string> } => ({
    annotations: { 'kubernetes.io/description': description },
    data: { 'ca.crt': rootCa },
  });
  const queue = queueFor(context, 'root-ca-publisher');
  const namespaces = context.informers.informer(resources.namespaces);
  const enqueue = (namespace: Namespace): void => queue.add(namespace.metadata.name ?? '');
  namespaces.addHandler({ add: enqueue, update: enqueue });
  const enqueueOf = (map: { metadata: { name?: string; namespace?: string } }): void => {
    if (map.metadata.name === name) queue.add(map.metadata.namespace ?? '');
  };
  maps.addHandler({ add: enqueueOf, update: enqueueOf, delete: enqueueOf });
  return makeController(context, {
    name: 'root-ca-publisher',
    workers: 2,
    queue,
    needs: [namespaces, maps],
    async reconcile(namespace) {
      if (!isActive(namespaces.lister.get(undefined, namespace))) return;
      const present = maps.lister.get(namespace, name);
      const { annotations, data } = wanted();
      if (present === undefined) {
        const create = client.create({
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name, namespace, annotations },
          data,
        });
        await create.catch(ignoreExpected);
      } else if (present.data?.['ca.crt'] !== rootCa || Object.keys(present.data).length !== 1) {
        await client.update({
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name, namespace, annotations, ...versionOf(present) },
          data,
        });
      }
    },
  });
}

function versionOf(object: { metadata: { resourceVersion?: string } }): { resourceVersion?: string } {
  const { resourceVersion } = object.metadata;
  return resourceVersion === undefined ? {} : { resourceVersion };
}

function createPerNamespaceController(
  context: ControllerContext,
  name: string,
  create: (namespace: string) => Promise<void>,
): Controller {
  const queue = queueFor(context, name);
  const namespaces = context.informers.informer(resources.namespaces);
  const accounts = context.informers.informer(resources.serviceAccounts);
  const enqueue = (namespace: Namespace): void => queue.add(keyOf(namespace));
  namespaces.addHandler({ add: enqueue, update: enqueue });
  accounts.addHandler({ delete: (account) => queue.add(account.metadata.namespace ?? '') });
  return makeController(context, {
    name,
    workers: 2,
    queue,
    needs: [namespaces, accounts],
    async reconcile(namespace) {
      if (!isActive(namespaces.lister.get(undefined, namespace))) return;
      if (accounts.lister.getByKey(makeKey(namespace, 'default')) !== undefined) return;
      await create(namespace).catch(ignoreExpected);
    },
  });
}

function isActive(namespace: Namespace | undefined): boolean {
  return namespace !== undefined && namespace.metadata.deletionTimestamp === undefined;
}

/** Made by someone else, or the namespace ends: nothing is left to do. */
function ignoreExpected(error: unknown): void {
  if (!isAlreadyExists(error) && !isNotFound(error) && !isNamespaceTerminating(error)) throw error;
}
