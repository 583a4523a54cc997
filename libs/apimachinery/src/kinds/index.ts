import { configMap } from './config-map.js';
import { controllerRevision } from './controller-revision.js';
import { cronJob } from './cron-job.js';
import { customResourceDefinition } from './custom-resource-definition.js';
import { daemonSet } from './daemon-set.js';
import { deployment } from './deployment.js';
import { endpointSlice } from './endpoint-slice.js';
import { endpoints } from './endpoints.js';
import { admissionKinds } from './admission.js';
import { coreEvent, event } from './event.js';
import { horizontalPodAutoscaler, horizontalPodAutoscalerV1 } from './horizontal-pod-autoscaler.js';
import { ingress } from './ingress.js';
import { job } from './job.js';
import { lease } from './lease.js';
import { limitRange } from './limit-range.js';
import { namespace } from './namespace.js';
import { networkPolicy } from './network-policy.js';
import { node } from './node.js';
import { persistentVolume } from './persistent-volume.js';
import { persistentVolumeClaim } from './persistent-volume-claim.js';
import { pod } from './pod.js';
import { podDisruptionBudget } from './pod-disruption-budget.js';
import { priorityClass } from './priority-class.js';
import { replicaSet } from './replica-set.js';
import { replicationController } from './replication-controller.js';
import { resourceQuota } from './resource-quota.js';
import { secret } from './secret.js';
import { service } from './service.js';
import { serviceAccount } from './service-account.js';
import { statefulSet } from './stateful-set.js';
import { storageClass } from './storage-class.js';
import { resourceClaimKinds } from './resource-claim.js';
import { plainKinds } from './plain.js';
import { clusterRole, clusterRoleBinding, role, roleBinding } from './rbac.js';
import type { KindDefinition } from '../scheme/define-kind.js';

/** Every kind that has more to say than its structure. */
export const kindDefinitions: readonly KindDefinition[] = [
  configMap,
  controllerRevision,
  cronJob,
  customResourceDefinition,
  daemonSet,
  deployment,
  endpointSlice,
  endpoints,
  coreEvent,
  event,
  horizontalPodAutoscaler,
  horizontalPodAutoscalerV1,
  ingress,
  job,
  lease,
  limitRange,
  namespace,
  networkPolicy,
  node,
  persistentVolume,
  persistentVolumeClaim,
  pod,
  podDisruptionBudget,
  priorityClass,
  replicaSet,
  replicationController,
  resourceQuota,
  secret,
  service,
  serviceAccount,
  statefulSet,
  storageClass,
  clusterRole,
  clusterRoleBinding,
  role,
  roleBinding,
  ...admissionKinds,
  ...resourceClaimKinds,
  ...plainKinds,
];
