import { resources, type Client } from '#libs/client';
import type { BindPlugin } from '../framework/plugin.js';

/** Writes the decision through pods/binding; the uid keeps it from a later pod of the same name. */
export function createDefaultBinder(client: Client): BindPlugin {
  const pods = client.resource(resources.pods);
  return {
    name: 'DefaultBinder',
    async bind(_state, { pod }, node) {
      const { name = '', namespace, uid } = pod.metadata;
      await pods.subresource(name, 'binding', {
        ...(namespace === undefined ? {} : { namespace }),
        body: {
          apiVersion: 'v1',
          kind: 'Binding',
          metadata: { name, namespace, uid },
          target: { kind: 'Node', name: node.name },
        },
      });
    },
  };
}
