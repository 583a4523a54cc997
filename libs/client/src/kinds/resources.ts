import type { KubernetesObject } from '#libs/apimachinery';
import type { ResourceRef } from '../client.js';
import type {
  ConfigMap,
  CoreEvent,
  Endpoints,
  EndpointSlice,
  Lease,
  Namespace,
  Node,
  PersistentVolumeClaim,
  Pod,
  PriorityClass,
  Service,
  ServiceAccount,
} from './core.js';
import type {
  ClusterRole,
  ControllerRevision,
  CronJob,
  DaemonSet,
  Deployment,
  Job,
  PodDisruptionBudget,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from './workloads.js';

function ref<T extends KubernetesObject>(group: string, version: string, resource: string): ResourceRef<T> {
  return { group, version, resource };
}

/** References to the resources that the rooms above work with; `client.resource(resources.pods)` is typed by them. */
export const resources = {
  pods: ref<Pod>('', 'v1', 'pods'),
  nodes: ref<Node>('', 'v1', 'nodes'),
  services: ref<Service>('', 'v1', 'services'),
  endpoints: ref<Endpoints>('', 'v1', 'endpoints'),
  namespaces: ref<Namespace>('', 'v1', 'namespaces'),
  serviceAccounts: ref<ServiceAccount>('', 'v1', 'serviceaccounts'),
  configMaps: ref<ConfigMap>('', 'v1', 'configmaps'),
  events: ref<CoreEvent>('', 'v1', 'events'),
  persistentVolumeClaims: ref<PersistentVolumeClaim>('', 'v1', 'persistentvolumeclaims'),
  replicationControllers: ref<ReplicationController>('', 'v1', 'replicationcontrollers'),
  deployments: ref<Deployment>('apps', 'v1', 'deployments'),
  replicaSets: ref<ReplicaSet>('apps', 'v1', 'replicasets'),
  statefulSets: ref<StatefulSet>('apps', 'v1', 'statefulsets'),
  daemonSets: ref<DaemonSet>('apps', 'v1', 'daemonsets'),
  controllerRevisions: ref<ControllerRevision>('apps', 'v1', 'controllerrevisions'),
  jobs: ref<Job>('batch', 'v1', 'jobs'),
  cronJobs: ref<CronJob>('batch', 'v1', 'cronjobs'),
  endpointSlices: ref<EndpointSlice>('discovery.k8s.io', 'v1', 'endpointslices'),
  podDisruptionBudgets: ref<PodDisruptionBudget>('policy', 'v1', 'poddisruptionbudgets'),
  leases: ref<Lease>('coordination.k8s.io', 'v1', 'leases'),
  priorityClasses: ref<PriorityClass>('scheduling.k8s.io', 'v1', 'priorityclasses'),
  clusterRoles: ref<ClusterRole>('rbac.authorization.k8s.io', 'v1', 'clusterroles'),
} as const;
