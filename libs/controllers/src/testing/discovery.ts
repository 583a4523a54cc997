import type { FakeApi } from './fake-api.js';

/** SPEC ONLY: discovery of a server with a few core resources. */
export function serveDiscovery(api: FakeApi): void {
  const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
  const resource = (name: string, kind: string, namespaced = true) => ({ name, kind, namespaced, verbs });
  api.documents.set('/api/v1', {
    kind: 'APIResourceList',
    groupVersion: 'v1',
    resources: [
      resource('pods', 'Pod'),
      { ...resource('pods/status', 'Pod'), verbs: ['get'] },
      resource('configmaps', 'ConfigMap'),
      resource('secrets', 'Secret'),
      resource('events', 'Event'),
      resource('namespaces', 'Namespace', false),
      resource('nodes', 'Node', false),
    ],
  });
  api.documents.set('/apis', { kind: 'APIGroupList', groups: [] });
}
