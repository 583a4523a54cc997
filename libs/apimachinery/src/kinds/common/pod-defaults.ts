import type {
  Container,
  DownwardItem,
  Handler,
  PodSpec,
  PodTemplateSpec,
  Probe,
  Volume,
} from './pod-types.js';

/** Source: k8s.io/kubernetes/pkg/apis/core/v1/defaults.go. Everything in place. */
export function setPodTemplateDefaults(owner: { template?: PodTemplateSpec }): void {
  const template = (owner.template ??= {});
  template.metadata ??= {};
  setPodSpecDefaults((template.spec ??= {}));
}

export function setPodSpecDefaults(spec: PodSpec): void {
  spec.restartPolicy ??= 'Always';
  spec.dnsPolicy ??= 'ClusterFirst';
  spec.schedulerName ??= 'default-scheduler';
  spec.terminationGracePeriodSeconds ??= 30;
  spec.securityContext ??= {};
  // The deprecated name of the same field follows the new one, or stands in for it.
  spec.serviceAccountName ??= spec.serviceAccount;
  if (spec.serviceAccountName === undefined) delete spec.serviceAccountName;
  else spec.serviceAccount = spec.serviceAccountName;
  for (const volume of spec.volumes ?? []) setVolumeDefaults(volume);
  for (const container of spec.containers ?? []) setContainerDefaults(container);
  for (const container of spec.initContainers ?? []) setContainerDefaults(container);
  for (const container of spec.ephemeralContainers ?? []) setContainerDefaults(container);
  if (spec.hostNetwork === true) {
    for (const list of [spec.containers, spec.initContainers])
      for (const container of list ?? [])
        for (const port of container.ports ?? [])
          if (port.containerPort !== undefined) port.hostPort ??= port.containerPort;
  }
}

/** Beyond the template: what only a pod itself gets. Limits without requests request what they limit. */
export function setPodDefaults(spec: PodSpec): void {
  setPodSpecDefaults(spec);
  spec.enableServiceLinks ??= true;
  for (const list of [spec.containers, spec.initContainers]) {
    for (const { resources } of list ?? []) {
      if (resources?.limits === undefined) continue;
      const requests = (resources.requests ??= {});
      for (const name in resources.limits)
        if (!Object.hasOwn(requests, name)) requests[name] = resources.limits[name]!;
    }
  }
}

export function setContainerDefaults(container: Container): void {
  container.imagePullPolicy ??= pullsAlways(container.image ?? '') ? 'Always' : 'IfNotPresent';
  container.terminationMessagePath ??= '/dev/termination-log';
  container.terminationMessagePolicy ??= 'File';
  container.resources ??= {};
  for (const port of container.ports ?? []) port.protocol ??= 'TCP';
  for (const variable of container.env ?? []) {
    const { fieldRef, resourceFieldRef } = variable.valueFrom ?? {};
    if (fieldRef !== undefined) fieldRef.apiVersion ??= 'v1';
    if (resourceFieldRef !== undefined) resourceFieldRef.divisor ??= '0';
  }
  setProbeDefaults(container.livenessProbe);
  setProbeDefaults(container.readinessProbe);
  setProbeDefaults(container.startupProbe);
  setHandlerDefaults(container.lifecycle?.postStart);
  setHandlerDefaults(container.lifecycle?.preStop);
}

/** The tag latest, or none, is pulled always; a digest never changes. */
function pullsAlways(image: string): boolean {
  if (image.includes('@')) return false;
  const name = image.slice(image.lastIndexOf('/') + 1);
  const colon = name.indexOf(':');
  return colon === -1 || name.slice(colon + 1) === 'latest';
}

function setProbeDefaults(probe: Probe | undefined): void {
  if (probe === undefined) return;
  probe.timeoutSeconds ??= 1;
  probe.periodSeconds ??= 10;
  probe.successThreshold ??= 1;
  probe.failureThreshold ??= 3;
  if (probe.grpc !== undefined) probe.grpc.service ??= '';
  setHandlerDefaults(probe);
}

function setHandlerDefaults(handler: Handler | undefined): void {
  if (handler?.httpGet === undefined) return;
  handler.httpGet.path ??= '/';
  handler.httpGet.scheme ??= 'HTTP';
}

/** 0644. */
const defaultMode = 420;

function setVolumeDefaults(volume: Volume): void {
  const { secret, configMap, downwardAPI, projected, hostPath, ephemeral } = volume;
  if (Object.keys(volume).every((key) => key === 'name')) volume.emptyDir = {};
  else if (secret !== undefined) secret.defaultMode ??= defaultMode;
  else if (configMap !== undefined) configMap.defaultMode ??= defaultMode;
  else if (downwardAPI !== undefined) {
    downwardAPI.defaultMode ??= defaultMode;
    setDownwardDefaults(downwardAPI.items);
  } else if (projected !== undefined) {
    projected.defaultMode ??= defaultMode;
    for (const source of projected.sources ?? []) {
      if (source.serviceAccountToken !== undefined) source.serviceAccountToken.expirationSeconds ??= 3600;
      setDownwardDefaults(source.downwardAPI?.items);
    }
  } else if (hostPath !== undefined) hostPath.type ??= '';
  else if (ephemeral?.volumeClaimTemplate !== undefined) {
    ephemeral.volumeClaimTemplate.metadata ??= {};
    if (ephemeral.volumeClaimTemplate.spec !== undefined)
      ephemeral.volumeClaimTemplate.spec.volumeMode ??= 'Filesystem';
  }
}

function setDownwardDefaults(items: readonly DownwardItem[] | undefined): void {
  for (const { fieldRef, resourceFieldRef } of items ?? []) {
    if (fieldRef !== undefined) fieldRef.apiVersion ??= 'v1';
    if (resourceFieldRef !== undefined) resourceFieldRef.divisor ??= '0';
  }
}
