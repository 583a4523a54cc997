import type { Schema } from './schema.js';

/**
 * Fields that Go writes even when they are zero: pointers, and those without `omitempty`. Any other scalar, list or map
 * that is zero is the same as absent, and is stored as absent, so that a client that sends `hostNetwork: false` and one
 * that leaves it out make the same object. Derived from the published Go types of Kubernetes 1.36 (k8s.io/api); one line a
 * type, by package.
 */
const writtenWhenZero: Readonly<Record<string, string>> = {
  'io.k8s.api.admissionregistration.v1': `
    MatchResources: matchPolicy
    MutatingAdmissionPolicyBindingList: items
    MutatingAdmissionPolicyList: items
    MutatingAdmissionPolicySpec: failurePolicy
    MutatingWebhook: admissionReviewVersions failurePolicy matchPolicy reinvocationPolicy sideEffects timeoutSeconds
    MutatingWebhookConfigurationList: items
    NamedRuleWithOperations: scope
    ParamRef: parameterNotFoundAction
    RuleWithOperations: scope
    ServiceReference: path port
    ValidatingAdmissionPolicyBindingList: items
    ValidatingAdmissionPolicyList: items
    ValidatingAdmissionPolicySpec: failurePolicy
    ValidatingWebhook: admissionReviewVersions failurePolicy matchPolicy sideEffects timeoutSeconds
    ValidatingWebhookConfigurationList: items
    Validation: reason
    WebhookClientConfig: url
  `,
  'io.k8s.api.admissionregistration.v1alpha1': `
    MatchResources: matchPolicy
    MutatingAdmissionPolicyBindingList: items
    MutatingAdmissionPolicyList: items
    MutatingAdmissionPolicySpec: failurePolicy
    ParamRef: parameterNotFoundAction
  `,
  'io.k8s.api.admissionregistration.v1beta1': `
    MatchResources: matchPolicy
    MutatingAdmissionPolicyBindingList: items
    MutatingAdmissionPolicyList: items
    MutatingAdmissionPolicySpec: failurePolicy
    ParamRef: parameterNotFoundAction
  `,
  'io.k8s.api.apiserverinternal.v1alpha1': `
    StorageVersionCondition: lastTransitionTime
    StorageVersionList: items
    StorageVersionStatus: commonEncodingVersion
  `,
  'io.k8s.api.apps.v1': `
    ControllerRevision: revision
    ControllerRevisionList: items
    DaemonSetCondition: lastTransitionTime
    DaemonSetList: items
    DaemonSetSpec: revisionHistoryLimit
    DaemonSetStatus: collisionCount currentNumberScheduled desiredNumberScheduled numberMisscheduled numberReady
    DeploymentCondition: lastTransitionTime lastUpdateTime
    DeploymentList: items
    DeploymentSpec: progressDeadlineSeconds replicas revisionHistoryLimit
    DeploymentStatus: collisionCount terminatingReplicas
    ReplicaSetCondition: lastTransitionTime
    ReplicaSetList: items
    ReplicaSetSpec: replicas
    ReplicaSetStatus: replicas terminatingReplicas
    RollingUpdateDaemonSet: maxSurge maxUnavailable
    RollingUpdateDeployment: maxSurge maxUnavailable
    RollingUpdateStatefulSetStrategy: maxUnavailable partition
    StatefulSetCondition: lastTransitionTime
    StatefulSetList: items
    StatefulSetOrdinals: start
    StatefulSetSpec: replicas revisionHistoryLimit
    StatefulSetStatus: availableReplicas collisionCount replicas
  `,
  'io.k8s.api.authentication.v1': `
    TokenRequestSpec: audiences expirationSeconds
    TokenRequestStatus: expirationTimestamp
  `,
  'io.k8s.api.authorization.v1': `
    NonResourceRule: verbs
    ResourceRule: verbs
    SubjectAccessReviewStatus: allowed
    SubjectRulesReviewStatus: incomplete nonResourceRules resourceRules
  `,
  'io.k8s.api.autoscaling.v1': `
    HorizontalPodAutoscalerList: items
    HorizontalPodAutoscalerSpec: maxReplicas minReplicas targetCPUUtilizationPercentage
    HorizontalPodAutoscalerStatus: currentCPUUtilizationPercentage currentReplicas desiredReplicas lastScaleTime observedGeneration
    ScaleStatus: replicas
  `,
  'io.k8s.api.autoscaling.v2': `
    HPAScalingPolicy: periodSeconds value
    HPAScalingRules: selectPolicy stabilizationWindowSeconds tolerance
    HorizontalPodAutoscalerCondition: lastTransitionTime
    HorizontalPodAutoscalerList: items
    HorizontalPodAutoscalerSpec: maxReplicas minReplicas
    HorizontalPodAutoscalerStatus: currentMetrics desiredReplicas lastScaleTime observedGeneration
    MetricTarget: averageUtilization averageValue value
    MetricValueStatus: averageUtilization averageValue value
  `,
  'io.k8s.api.batch.v1': `
    CronJobList: items
    CronJobSpec: failedJobsHistoryLimit startingDeadlineSeconds successfulJobsHistoryLimit suspend timeZone
    CronJobStatus: lastScheduleTime lastSuccessfulTime
    JobCondition: lastProbeTime lastTransitionTime
    JobList: items
    JobSpec: activeDeadlineSeconds backoffLimit backoffLimitPerIndex completionMode completions managedBy manualSelector maxFailedIndexes parallelism podReplacementPolicy suspend ttlSecondsAfterFinished
    JobStatus: completionTime failedIndexes ready startTime terminating
    PodFailurePolicy: rules
    PodFailurePolicyOnExitCodesRequirement: containerName values
    SuccessPolicy: rules
    SuccessPolicyRule: succeededCount succeededIndexes
  `,
  'io.k8s.api.certificates.v1': `
    CertificateSigningRequestCondition: lastTransitionTime lastUpdateTime
    CertificateSigningRequestList: items
    CertificateSigningRequestSpec: expirationSeconds
  `,
  'io.k8s.api.certificates.v1alpha1': `
    ClusterTrustBundleList: items
  `,
  'io.k8s.api.certificates.v1beta1': `
    ClusterTrustBundleList: items
    PodCertificateRequestList: items
    PodCertificateRequestSpec: maxExpirationSeconds
    PodCertificateRequestStatus: beginRefreshAt notAfter notBefore
  `,
  'io.k8s.api.coordination.v1': `
    LeaseList: items
    LeaseSpec: acquireTime holderIdentity leaseDurationSeconds leaseTransitions preferredHolder renewTime strategy
  `,
  'io.k8s.api.coordination.v1alpha2': `
    LeaseCandidateList: items
    LeaseCandidateSpec: pingTime renewTime
  `,
  'io.k8s.api.coordination.v1beta1': `
    LeaseCandidateList: items
    LeaseCandidateSpec: pingTime renewTime
  `,
  'io.k8s.api.core.v1': `
    AppArmorProfile: localhostProfile
    AzureDiskVolumeSource: cachingMode fsType readOnly
    AzureFilePersistentVolumeSource: secretNamespace
    CSIVolumeSource: fsType readOnly
    CephFSPersistentVolumeSource: monitors
    CephFSVolumeSource: monitors
    ClientIPConfig: timeoutSeconds
    ClusterTrustBundleProjection: name optional signerName
    ComponentStatusList: items
    ConfigMap: immutable
    ConfigMapEnvSource: optional
    ConfigMapKeySelector: optional
    ConfigMapList: items
    ConfigMapProjection: optional
    ConfigMapVolumeSource: defaultMode optional
    Container: restartPolicy
    ContainerImage: names
    ContainerPort: containerPort
    ContainerStateRunning: startedAt
    ContainerStateTerminated: exitCode finishedAt startedAt
    ContainerStatus: ready restartCount started stopSignal
    DaemonEndpoint: Port
    DownwardAPIVolumeFile: mode
    DownwardAPIVolumeSource: defaultMode
    EmptyDirVolumeSource: sizeLimit
    EndpointAddress: nodeName
    EndpointPort: appProtocol port
    EndpointsList: items
    EphemeralContainer: restartPolicy
    Event: eventTime firstTimestamp lastTimestamp
    EventList: items
    EventSeries: lastObservedTime
    FCVolumeSource: lun
    FileKeySelector: optional
    GRPCAction: port service
    GlusterfsPersistentVolumeSource: endpointsNamespace
    HTTPGetAction: port
    HostPathVolumeSource: type
    ISCSIPersistentVolumeSource: initiatorName lun
    ISCSIVolumeSource: initiatorName lun
    KeyToPath: mode
    Lifecycle: stopSignal
    LimitRangeList: items
    LimitRangeSpec: limits
    LinuxContainerUser: gid uid
    LoadBalancerIngress: ipMode
    LocalVolumeSource: fsType
    NamespaceCondition: lastTransitionTime
    NamespaceList: items
    NodeAllocatableResourceClaimStatus: resources
    NodeCondition: lastHeartbeatTime lastTransitionTime
    NodeFeatures: supplementalGroupsPolicy
    NodeList: items
    NodeRuntimeHandlerFeatures: recursiveReadOnlyMounts userNamespaces
    NodeSelector: nodeSelectorTerms
    NodeSwapStatus: capacity
    PersistentVolumeClaimCondition: lastProbeTime lastTransitionTime
    PersistentVolumeClaimList: items
    PersistentVolumeClaimSpec: storageClassName volumeAttributesClassName volumeMode
    PersistentVolumeClaimStatus: currentVolumeAttributesClassName
    PersistentVolumeList: items
    PersistentVolumeSpec: volumeAttributesClassName volumeMode
    PersistentVolumeStatus: lastPhaseTransitionTime
    PodCertificateProjection: maxExpirationSeconds
    PodCondition: lastProbeTime lastTransitionTime
    PodDNSConfigOption: value
    PodExtendedResourceClaimStatus: requestMappings
    PodList: items
    PodResourceClaim: resourceClaimName resourceClaimTemplateName
    PodResourceClaimStatus: resourceClaimName
    PodSchedulingGroup: podGroupName
    PodSecurityContext: fsGroup fsGroupChangePolicy runAsGroup runAsNonRoot runAsUser seLinuxChangePolicy supplementalGroupsPolicy
    PodSpec: activeDeadlineSeconds automountServiceAccountToken containers enableServiceLinks hostUsers hostnameOverride preemptionPolicy priority runtimeClassName setHostnameAsFQDN shareProcessNamespace terminationGracePeriodSeconds
    PodStatus: startTime
    PodTemplateList: items
    PortStatus: error port
    PreferredSchedulingTerm: weight
    Probe: terminationGracePeriodSeconds
    ProjectedVolumeSource: defaultMode sources
    RBDPersistentVolumeSource: monitors
    RBDVolumeSource: monitors
    ReplicationControllerCondition: lastTransitionTime
    ReplicationControllerList: items
    ReplicationControllerSpec: replicas
    ReplicationControllerStatus: replicas
    ResourceFieldSelector: divisor
    ResourceHealth: message
    ResourceQuotaList: items
    SeccompProfile: localhostProfile
    Secret: immutable
    SecretEnvSource: optional
    SecretKeySelector: optional
    SecretList: items
    SecretProjection: optional
    SecretVolumeSource: defaultMode optional
    SecurityContext: allowPrivilegeEscalation privileged procMount readOnlyRootFilesystem runAsGroup runAsNonRoot runAsUser
    ServiceAccount: automountServiceAccountToken
    ServiceAccountList: items
    ServiceAccountTokenProjection: expirationSeconds
    ServiceList: items
    ServicePort: appProtocol port targetPort
    ServiceSpec: allocateLoadBalancerNodePorts internalTrafficPolicy ipFamilyPolicy loadBalancerClass trafficDistribution
    SleepAction: seconds
    TCPSocketAction: port
    Taint: timeAdded
    Toleration: tolerationSeconds
    TopologySelectorLabelRequirement: values
    TopologySpreadConstraint: maxSkew minDomains nodeAffinityPolicy nodeTaintsPolicy
    TypedLocalObjectReference: apiGroup
    TypedObjectReference: apiGroup namespace
    VolumeMount: mountPropagation recursiveReadOnly
    VolumeMountStatus: recursiveReadOnly
    WeightedPodAffinityTerm: weight
    WindowsSecurityContextOptions: gmsaCredentialSpec gmsaCredentialSpecName hostProcess runAsUserName
  `,
  'io.k8s.api.discovery.v1': `
    Endpoint: addresses hostname nodeName zone
    EndpointConditions: ready serving terminating
    EndpointPort: appProtocol name port protocol
    EndpointSlice: endpoints ports
    EndpointSliceList: items
  `,
  'io.k8s.api.events.v1': `
    Event: deprecatedFirstTimestamp deprecatedLastTimestamp eventTime
    EventList: items
    EventSeries: count lastObservedTime
  `,
  'io.k8s.api.flowcontrol.v1': `
    ExemptPriorityLevelConfiguration: lendablePercent nominalConcurrencyShares
    FlowSchemaCondition: lastTransitionTime
    FlowSchemaList: items
    FlowSchemaSpec: matchingPrecedence
    LimitedPriorityLevelConfiguration: borrowingLimitPercent lendablePercent nominalConcurrencyShares
    NonResourcePolicyRule: nonResourceURLs verbs
    PolicyRulesWithSubjects: subjects
    PriorityLevelConfigurationCondition: lastTransitionTime
    PriorityLevelConfigurationList: items
    QueuingConfiguration: handSize queueLengthLimit queues
    ResourcePolicyRule: apiGroups namespaces resources verbs
  `,
  'io.k8s.api.networking.v1': `
    HTTPIngressPath: pathType
    HTTPIngressRuleValue: paths
    IPAddressList: items
    IngressClassList: items
    IngressClassParametersReference: apiGroup namespace scope
    IngressList: items
    IngressPortStatus: error port
    IngressSpec: ingressClassName
    NetworkPolicyList: items
    NetworkPolicyPort: endPort port protocol
    ServiceCIDRList: items
  `,
  'io.k8s.api.networking.v1beta1': `
    IPAddressList: items
    ServiceCIDRList: items
  `,
  'io.k8s.api.node.v1': `
    RuntimeClassList: items
  `,
  'io.k8s.api.policy.v1': `
    PodDisruptionBudgetList: items
    PodDisruptionBudgetSpec: maxUnavailable minAvailable unhealthyPodEvictionPolicy
    PodDisruptionBudgetStatus: currentHealthy desiredHealthy disruptionsAllowed expectedPods
  `,
  'io.k8s.api.rbac.v1': `
    ClusterRole: rules
    ClusterRoleBindingList: items
    ClusterRoleList: items
    PolicyRule: verbs
    Role: rules
    RoleBindingList: items
    RoleList: items
  `,
  'io.k8s.api.resource.v1': `
    AllocatedDeviceStatus: conditions shareID
    AllocationResult: allocationTimestamp
    CapacityRequestPolicy: default validValues
    CapacityRequestPolicyRange: max min step
    Counter: value
    Device: allNodes allowMultipleAllocations bindsToNode nodeName
    DeviceAttribute: bool int string version
    DeviceCapacity: value
    DeviceClaim: requests
    DeviceClassList: items
    DeviceClassSpec: extendedResourceName
    DeviceConstraint: distinctAttribute matchAttribute
    DeviceRequestAllocationResult: adminAccess shareID
    DeviceTaint: timeAdded
    DeviceToleration: tolerationSeconds
    ExactDeviceRequest: adminAccess
    NodeAllocatableResourceMapping: allocationMultiplier capacityKey
    ResourceClaimList: items
    ResourceClaimTemplateList: items
    ResourcePool: generation resourceSliceCount
    ResourceSliceList: items
    ResourceSliceSpec: allNodes nodeName perDeviceNodeSelection
  `,
  'io.k8s.api.resource.v1alpha3': `
    DeviceTaint: timeAdded
    DeviceTaintRuleList: items
    DeviceTaintSelector: device driver pool
    PoolStatus: allocatedDevices availableDevices generation nodeName resourceSliceCount totalDevices unavailableDevices validationError
    ResourcePoolStatusRequestList: items
    ResourcePoolStatusRequestSpec: limit poolName
    ResourcePoolStatusRequestStatus: poolCount
  `,
  'io.k8s.api.resource.v1beta1': `
    AllocatedDeviceStatus: conditions shareID
    AllocationResult: allocationTimestamp
    BasicDevice: allNodes allowMultipleAllocations bindsToNode nodeName
    CapacityRequestPolicy: default validValues
    CapacityRequestPolicyRange: max min step
    Counter: value
    DeviceAttribute: bool int string version
    DeviceCapacity: value
    DeviceClaim: requests
    DeviceClassList: items
    DeviceClassSpec: extendedResourceName
    DeviceConstraint: distinctAttribute matchAttribute
    DeviceRequest: adminAccess
    DeviceRequestAllocationResult: adminAccess shareID
    DeviceTaint: timeAdded
    DeviceToleration: tolerationSeconds
    NodeAllocatableResourceMapping: allocationMultiplier capacityKey
    ResourceClaimList: items
    ResourceClaimTemplateList: items
    ResourcePool: generation resourceSliceCount
    ResourceSliceList: items
    ResourceSliceSpec: perDeviceNodeSelection
  `,
  'io.k8s.api.resource.v1beta2': `
    AllocatedDeviceStatus: conditions shareID
    AllocationResult: allocationTimestamp
    CapacityRequestPolicy: default validValues
    CapacityRequestPolicyRange: max min step
    Counter: value
    Device: allNodes allowMultipleAllocations bindsToNode nodeName
    DeviceAttribute: bool int string version
    DeviceCapacity: value
    DeviceClaim: requests
    DeviceClassList: items
    DeviceClassSpec: extendedResourceName
    DeviceConstraint: distinctAttribute matchAttribute
    DeviceRequestAllocationResult: adminAccess shareID
    DeviceTaint: timeAdded
    DeviceTaintRuleList: items
    DeviceTaintSelector: device driver pool
    DeviceToleration: tolerationSeconds
    ExactDeviceRequest: adminAccess
    NodeAllocatableResourceMapping: allocationMultiplier capacityKey
    ResourceClaimList: items
    ResourceClaimTemplateList: items
    ResourcePool: generation resourceSliceCount
    ResourceSliceList: items
    ResourceSliceSpec: allNodes nodeName perDeviceNodeSelection
  `,
  'io.k8s.api.scheduling.v1': `
    PriorityClass: preemptionPolicy value
    PriorityClassList: items
  `,
  'io.k8s.api.scheduling.v1alpha2': `
    GangSchedulingPolicy: minCount
    PodGroupList: items
    PodGroupResourceClaim: resourceClaimName resourceClaimTemplateName
    PodGroupResourceClaimStatus: resourceClaimName
    PodGroupSpec: disruptionMode priority
    PodGroupTemplate: disruptionMode priority
    WorkloadList: items
    WorkloadSpec: podGroupTemplates
  `,
  'io.k8s.api.storage.v1': `
    CSIDriverList: items
    CSIDriverSpec: attachRequired fsGroupPolicy nodeAllocatableUpdatePeriodSeconds podInfoOnMount preventPodSchedulingIfMissing requiresRepublish seLinuxMount serviceAccountTokenInSecrets storageCapacity
    CSINodeDriver: topologyKeys
    CSINodeList: items
    CSINodeSpec: drivers
    CSIStorageCapacity: capacity maximumVolumeSize
    CSIStorageCapacityList: items
    StorageClass: allowVolumeExpansion reclaimPolicy volumeBindingMode
    StorageClassList: items
    TokenRequest: expirationSeconds
    VolumeAttachmentList: items
    VolumeAttachmentSource: persistentVolumeName
    VolumeAttachmentStatus: attached
    VolumeAttributesClassList: items
    VolumeError: errorCode time
    VolumeNodeResources: count
  `,
  'io.k8s.api.storage.v1beta1': `
    VolumeAttributesClassList: items
  `,
  'io.k8s.api.storagemigration.v1beta1': `
    StorageVersionMigrationList: items
  `,
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1': `
    CustomResourceDefinitionCondition: lastTransitionTime
    CustomResourceDefinitionList: items
    CustomResourceDefinitionSpec: versions
    CustomResourceDefinitionStatus: conditions storedVersions
    CustomResourceDefinitionVersion: deprecationWarning served storage
    CustomResourceSubresourceScale: labelSelectorPath
    JSONSchemaProps: $ref maxItems maxLength maxProperties maximum minItems minLength minProperties minimum multipleOf x-kubernetes-list-type x-kubernetes-map-type x-kubernetes-preserve-unknown-fields
    ServiceReference: path port
    ValidationRule: optionalOldSelf reason
    WebhookClientConfig: url
    WebhookConversion: conversionReviewVersions
  `,
  'io.k8s.apimachinery.pkg.apis.meta.v1': `
    APIGroup: versions
    APIGroupList: groups
    APIResource: namespaced verbs
    APIResourceList: resources
    APIVersions: serverAddressByClientCIDRs versions
    Condition: lastTransitionTime
    DeleteOptions: gracePeriodSeconds ignoreStoreReadErrorWithClusterBreakingPotential orphanDependents propagationPolicy
    ListMeta: remainingItemCount
    ManagedFieldsEntry: time
    ObjectMeta: creationTimestamp deletionGracePeriodSeconds deletionTimestamp
    OwnerReference: blockOwnerDeletion controller
    Preconditions: resourceVersion uid
  `,
  'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1': `
    APIServiceCondition: lastTransitionTime
    APIServiceList: items
    APIServiceSpec: groupPriorityMinimum versionPriority
    ServiceReference: port
  `,
};

let kept: Map<string, ReadonlySet<string>> | undefined;

function index(): Map<string, ReadonlySet<string>> {
  const byDefinition = new Map<string, ReadonlySet<string>>();
  for (const [packageName, lines] of Object.entries(writtenWhenZero)) {
    for (const line of lines.trim().split('\n')) {
      const [type, fields] = line.trim().split(': ') as [string, string];
      byDefinition.set(`${packageName}.${type}`, new Set(fields.split(' ')));
    }
  }
  return byDefinition;
}

/** True where the zero value of a field is left out of the JSON of its object. Always false outside the built-in types. */
export function isOmittedWhenZero(definition: string | undefined, field: string, schema: Schema): boolean {
  if (definition === undefined || schema.preserveUnknownFields || schema.type === undefined) return false;
  if (schema.type === 'object' && schema.additionalProperties === undefined) return false;
  if (definition.startsWith('io.k8s.') === false) return false;
  kept ??= index();
  return kept.get(definition)?.has(field) !== true;
}
