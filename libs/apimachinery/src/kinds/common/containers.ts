import {
  duplicate,
  forbiddenField,
  invalidValue,
  missing,
  notSupported,
  required,
} from '../../errors/field-errors.js';
import type { FieldErrors } from '../../scheme/define-kind.js';
import {
  checkNonNegative,
  checkOneOf,
  checkPortNumberOrName,
  checkRequiredLabel,
  checkRule,
  protocols,
} from './checks.js';
import {
  isConfigMapKey,
  isDns1123Subdomain,
  isEnvVarName,
  isValidPort,
  isValidPortName,
  regexError,
} from './names.js';
import type { Container, EnvVar, Handler, PodSpec, Probe, SecurityContext } from './pod-types.js';
import { checkResources } from './resources.js';
import { validateVolumeUses } from './volumes.js';

/** All containers of a pod spec: regular, init and ephemeral ones, whose names are unique together. */
export function validateAllContainers(
  spec: PodSpec,
  volumes: ReadonlySet<string>,
  path: string,
  errors: FieldErrors,
): void {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = spec;
  if (containers.length === 0) errors.push(required(`${path}.containers`));
  const names = new Set<string>();
  const hostPorts = new Set<string>();
  for (const [index, container] of containers.entries()) {
    const at = `${path}.containers[${index}]`;
    validateContainer(container, volumes, at, errors);
    checkUniqueName(container, names, at, errors);
    validateProbes(container, at, errors);
    checkHostPorts(container, hostPorts, at, errors);
  }
  for (const [index, container] of initContainers.entries()) {
    const at = `${path}.initContainers[${index}]`;
    validateContainer(container, volumes, at, errors);
    checkUniqueName(container, names, at, errors);
    validateInitContainer(container, at, errors);
    checkHostPorts(container, new Set(), at, errors);
  }
  const targets = new Set(names);
  for (const [index, container] of ephemeralContainers.entries()) {
    const at = `${path}.ephemeralContainers[${index}]`;
    validateContainer(container, volumes, at, errors);
    checkUniqueName(container, names, at, errors);
    validateEphemeralContainer(container, targets, at, errors);
  }
}

function checkUniqueName(container: Container, names: Set<string>, at: string, errors: FieldErrors): void {
  const { name = '' } = container;
  if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
  else if (name !== '') names.add(name);
}

function validateContainer(
  container: Container,
  volumes: ReadonlySet<string>,
  at: string,
  errors: FieldErrors,
): void {
  checkRequiredLabel(container.name, `${at}.name`, errors);
  if ((container.image ?? '') === '') errors.push(required(`${at}.image`));
  checkOneOf(
    container.terminationMessagePolicy,
    ['File', 'FallbackToLogsOnError'],
    `${at}.terminationMessagePolicy`,
    errors,
  );
  checkOneOf(container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never'], `${at}.imagePullPolicy`, errors);
  if (container.ports !== undefined) validatePorts(container, at, errors);
  if (container.env !== undefined) validateEnv(container.env, `${at}.env`, errors);
  for (const [index, source] of (container.envFrom ?? []).entries()) {
    const from = `${at}.envFrom[${index}]`;
    const { configMapRef, secretRef } = source;
    if (configMapRef === undefined && secretRef === undefined)
      errors.push(invalidValue(`${at}.envFrom`, '', 'must specify one of: `configMapRef` or `secretRef`'));
    if (configMapRef !== undefined && (configMapRef.name ?? '') === '')
      errors.push(required(`${from}.configMapRef.name`));
    if (secretRef !== undefined && (secretRef.name ?? '') === '')
      errors.push(required(`${from}.secretRef.name`));
  }
  if (container.volumeMounts !== undefined || container.volumeDevices !== undefined)
    validateVolumeUses(container, volumes, at, errors);
  checkResources(container.resources, `${at}.resources`, errors);
  checkSecurityContext(container.securityContext, `${at}.securityContext`, errors);
}

function validatePorts(container: Container, at: string, errors: FieldErrors): void {
  const names = new Set<string>();
  for (const [index, port] of container.ports!.entries()) {
    const path = `${at}.ports[${index}]`;
    const { name, containerPort = 0, hostPort, protocol } = port;
    if (name !== undefined) {
      const messages = isValidPortName(name);
      for (const message of messages) errors.push(invalidValue(`${path}.name`, name, message));
      if (messages.length === 0 && names.has(name)) errors.push(duplicate(`${path}.name`, name));
      names.add(name);
    }
    if (containerPort === 0) errors.push(required(`${path}.containerPort`));
    else
      for (const message of isValidPort(containerPort))
        errors.push(invalidValue(`${path}.containerPort`, containerPort, message));
    if (hostPort !== undefined)
      for (const message of isValidPort(hostPort))
        errors.push(invalidValue(`${path}.hostPort`, hostPort, message));
    checkOneOf(protocol, protocols, `${path}.protocol`, errors);
  }
}

function checkHostPorts(container: Container, taken: Set<string>, at: string, errors: FieldErrors): void {
  for (const [index, { hostPort, hostIP = '', protocol = 'TCP' }] of (container.ports ?? []).entries()) {
    if (hostPort === undefined) continue;
    const key = `${protocol}/${hostIP}/${hostPort}`;
    if (taken.has(key)) errors.push(duplicate(`${at}.ports[${index}].hostPort`, key));
    taken.add(key);
  }
}

const envFieldPaths = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];

const resourceFields = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];

/** Labels that a pod has but no variable may take. */
const otherFieldPaths = [
  'spec.restartPolicy',
  'spec.schedulerName',
  'spec.hostNetwork',
  'status.phase',
  'status.nominatedNodeName',
  'metadata.labels',
  'metadata.annotations',
];

function checkFieldPath(path: string, at: string, errors: FieldErrors): void {
  if (envFieldPaths.includes(path) || /^metadata\.(?:labels|annotations)\['.*'\]$/.test(path)) return;
  if (otherFieldPaths.includes(path)) errors.push(notSupported(at, path, envFieldPaths));
  else errors.push(invalidValue(at, path, `error converting fieldPath: field label not supported: ${path}`));
}

function validateEnv(env: readonly EnvVar[], path: string, errors: FieldErrors): void {
  for (const [index, variable] of env.entries()) {
    const at = `${path}[${index}]`;
    if ((variable.name ?? '') === '') errors.push(required(`${at}.name`));
    else checkRule(variable.name!, isEnvVarName, `${at}.name`, errors);
    if (variable.valueFrom !== undefined) validateValueFrom(variable, `${at}.valueFrom`, errors);
  }
}

function validateValueFrom(variable: EnvVar, at: string, errors: FieldErrors): void {
  const from = variable.valueFrom!;
  const { fieldRef, configMapKeyRef, secretKeyRef, resourceFieldRef, fileKeyRef } = from;
  const sources = [fieldRef, configMapKeyRef, secretKeyRef, resourceFieldRef, fileKeyRef].filter(
    (source) => source !== undefined,
  ).length;
  if (fieldRef !== undefined) {
    const path = fieldRef.fieldPath ?? '';
    if (path === '') errors.push(required(`${at}.fieldRef.fieldPath`));
    else checkFieldPath(path, `${at}.fieldRef.fieldPath`, errors);
  }
  for (const [name, reference] of [
    ['configMapKeyRef', configMapKeyRef],
    ['secretKeyRef', secretKeyRef],
  ] as const) {
    if (reference === undefined) continue;
    checkRule(reference.name ?? '', isDns1123Subdomain, `${at}.${name}.name`, errors);
    if ((reference.key ?? '') === '') errors.push(required(`${at}.${name}.key`));
    else checkRule(reference.key!, isConfigMapKey, `${at}.${name}.key`, errors);
  }
  if (resourceFieldRef !== undefined) {
    const resource = resourceFieldRef.resource ?? '';
    if (resource === '') errors.push(required(`${at}.resourceFieldRef.resource`));
    else if (!resourceFields.includes(resource) && !/^(?:limits|requests)\.hugepages-/.test(resource))
      errors.push(notSupported(`${at}.resourceFieldRef.resource`, resource, resourceFields));
  }
  if (sources === 0)
    errors.push(
      invalidValue(
        at,
        '',
        'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
      ),
    );
  else if ((variable.value ?? '') !== '')
    errors.push(invalidValue(at, '', 'may not be specified when `value` is not empty'));
  else if (sources > 1)
    errors.push(invalidValue(at, '', 'may not have more than one field specified at a time'));
}

function validateProbes(container: Container, at: string, errors: FieldErrors): void {
  const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container;
  if (lifecycle?.postStart !== undefined)
    checkHandler(lifecycle.postStart, `${at}.lifecycle.postStart`, errors);
  if (lifecycle?.preStop !== undefined) checkHandler(lifecycle.preStop, `${at}.lifecycle.preStop`, errors);
  checkProbe(livenessProbe, `${at}.livenessProbe`, errors, true);
  checkProbe(readinessProbe, `${at}.readinessProbe`, errors, false);
  if (readinessProbe?.terminationGracePeriodSeconds !== undefined)
    errors.push(
      invalidValue(
        `${at}.readinessProbe.terminationGracePeriodSeconds`,
        readinessProbe.terminationGracePeriodSeconds,
        'must not be set for readinessProbes',
      ),
    );
  checkProbe(startupProbe, `${at}.startupProbe`, errors, true);
}

function checkProbe(probe: Probe | undefined, at: string, errors: FieldErrors, onceOnly: boolean): void {
  if (probe === undefined) return;
  checkHandler(probe, at, errors);
  checkNonNegative(probe.initialDelaySeconds, `${at}.initialDelaySeconds`, errors);
  checkNonNegative(probe.timeoutSeconds, `${at}.timeoutSeconds`, errors);
  checkNonNegative(probe.periodSeconds, `${at}.periodSeconds`, errors);
  checkNonNegative(probe.successThreshold, `${at}.successThreshold`, errors);
  checkNonNegative(probe.failureThreshold, `${at}.failureThreshold`, errors);
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0)
    errors.push(invalidValue(`${at}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'));
  if (onceOnly && probe.successThreshold !== 1)
    errors.push(invalidValue(`${at}.successThreshold`, probe.successThreshold ?? 0, 'must be 1'));
}

const handlerKinds = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const;

function checkHandler(handler: Handler, at: string, errors: FieldErrors): void {
  let found = false;
  for (const kind of handlerKinds) {
    if (handler[kind] === undefined) continue;
    if (found) errors.push(forbiddenField(`${at}.${kind}`, 'may not specify more than 1 handler type'));
    else checkAction(handler, kind, at, errors);
    found = true;
  }
  if (!found) errors.push(required(at, 'must specify a handler type'));
}

const headerFormat = '[-A-Za-z0-9]+';

function checkAction(
  handler: Handler,
  kind: (typeof handlerKinds)[number],
  at: string,
  errors: FieldErrors,
): void {
  const { exec, httpGet, tcpSocket, grpc } = handler;
  switch (kind) {
    case 'exec':
      if ((exec!.command ?? []).length === 0) errors.push(required(`${at}.exec.command`));
      break;
    case 'httpGet':
      checkPortNumberOrName(httpGet!.port, `${at}.httpGet.port`, errors);
      checkOneOf(httpGet!.scheme, ['HTTP', 'HTTPS'], `${at}.httpGet.scheme`, errors);
      for (const { name = '' } of httpGet!.httpHeaders ?? [])
        if (!/^[-A-Za-z0-9]+$/.test(name))
          errors.push(
            invalidValue(
              `${at}.httpGet.httpHeaders`,
              name,
              regexError(
                "a valid HTTP header must consist of alphanumeric characters or '-'",
                headerFormat,
                'X-Header-Name',
              ),
            ),
          );
      break;
    case 'tcpSocket':
      checkPortNumberOrName(tcpSocket!.port, `${at}.tcpSocket.port`, errors);
      break;
    case 'grpc':
      checkPortNumberOrName(grpc!.port, `${at}.grpc.port`, errors);
      break;
    case 'sleep':
  }
}

function validateInitContainer(container: Container, at: string, errors: FieldErrors): void {
  const { restartPolicy } = container;
  if (restartPolicy === 'Always') {
    validateProbes(container, at, errors);
    return;
  }
  checkOneOf(restartPolicy, ['Always', 'Never', 'OnFailure'], `${at}.restartPolicy`, errors, true);
  for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const)
    if (container[field] !== undefined)
      errors.push(
        forbiddenField(`${at}.${field}`, 'may not be set for init containers without restartPolicy=Always'),
      );
}

const notForEphemeral = [
  'ports',
  'lifecycle',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'resizePolicy',
] as const;

function validateEphemeralContainer(
  container: Container,
  targets: ReadonlySet<string>,
  at: string,
  errors: FieldErrors,
): void {
  const { targetContainerName } = container;
  if (targetContainerName !== undefined && !targets.has(targetContainerName))
    errors.push(missing(`${at}.targetContainerName`, targetContainerName));
  for (const field of notForEphemeral)
    if (container[field] !== undefined)
      errors.push(forbiddenField(`${at}.${field}`, 'cannot be set for an Ephemeral Container'));
}

export function checkSecurityContext(
  context: SecurityContext | undefined,
  at: string,
  errors: FieldErrors,
): void {
  if (context === undefined) return;
  for (const field of ['runAsUser', 'runAsGroup', 'fsGroup'] as const)
    checkId(context[field], `${at}.${field}`, errors);
  for (const [index, id] of (context.supplementalGroups ?? []).entries())
    checkId(id, `${at}.supplementalGroups[${index}]`, errors);
  if (context.procMount !== undefined)
    checkOneOf(context.procMount, ['Default', 'Unmasked'], `${at}.procMount`, errors);
  if (context.fsGroupChangePolicy !== undefined)
    checkOneOf(
      context.fsGroupChangePolicy,
      ['Always', 'OnRootMismatch'],
      `${at}.fsGroupChangePolicy`,
      errors,
    );
  if (context.seccompProfile !== undefined)
    checkOneOf(
      context.seccompProfile.type,
      ['Localhost', 'RuntimeDefault', 'Unconfined'],
      `${at}.seccompProfile.type`,
      errors,
    );
  if (context.allowPrivilegeEscalation !== false) return;
  if (context.privileged === true)
    errors.push(
      invalidValue(at, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'),
    );
  if (context.capabilities?.add?.includes('CAP_SYS_ADMIN') === true)
    errors.push(
      invalidValue(
        at,
        context,
        'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN',
      ),
    );
}

/** User and group ids as the kernel has them. */
function checkId(id: number | undefined, path: string, errors: FieldErrors): void {
  if (id !== undefined && (id < 0 || id > 2147483647))
    errors.push(invalidValue(path, id, 'must be between 0 and 2147483647, inclusive'));
}
