import {
  duplicate,
  forbiddenField,
  invalidValue,
  notSupported,
  required,
} from '../../errors/field-errors.js';
import type { FieldErrors } from '../../scheme/define-kind.js';
import { checkLabelSelector, checkOneOf, checkPositive, checkRule } from './checks.js';
import { checkSecurityContext, validateAllContainers } from './containers.js';
import { validateAnnotations, validateLabels } from './metadata.js';
import {
  inclusiveRangeError,
  isDns1123Label,
  isDns1123Subdomain,
  isLabelValue,
  isQualifiedName,
} from './names.js';
import type {
  Affinity,
  NodeSelectorTerm,
  PodAffinity,
  PodSpec,
  PodTemplateSpec,
  Toleration,
} from './pod-types.js';
import { validateVolumes } from './volumes.js';

const maxInt32 = 2147483647;

/** Source: ValidatePodSpec of k8s.io/kubernetes/pkg/apis/core/validation. Defaults have been set. */
export function validatePodSpec(spec: PodSpec | undefined, path: string, errors: FieldErrors): void {
  if (spec === undefined) {
    errors.push(required(`${path}.containers`));
    return;
  }
  const volumes = validateVolumes(spec.volumes, `${path}.volumes`, errors);
  validateAllContainers(spec, volumes, path, errors);
  checkHostNetworkPorts(spec, path, errors);
  checkOneOf(spec.restartPolicy, ['Always', 'OnFailure', 'Never'], `${path}.restartPolicy`, errors);
  checkOneOf(
    spec.dnsPolicy,
    ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'],
    `${path}.dnsPolicy`,
    errors,
  );
  validateLabels(spec.nodeSelector, `${path}.nodeSelector`, errors);
  checkSecurityContext(spec.securityContext, `${path}.securityContext`, errors);
  if (spec.affinity !== undefined) validateAffinity(spec.affinity, `${path}.affinity`, errors);
  validateGates(spec, path, errors);
  validateSpread(spec, `${path}.topologySpreadConstraints`, errors);
  checkNames(spec, ['serviceAccountName', 'nodeName'], path, errors);
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && (deadline < 1 || deadline > maxInt32))
    errors.push(invalidValue(`${path}.activeDeadlineSeconds`, deadline, inclusiveRangeError(1, maxInt32)));
  checkNames(spec, ['hostname', 'subdomain'], path, errors);
  if (spec.tolerations !== undefined) validateTolerations(spec.tolerations, `${path}.tolerations`, errors);
  checkNames(spec, ['priorityClassName', 'runtimeClassName'], path, errors);
  if (spec.preemptionPolicy !== undefined)
    checkOneOf(spec.preemptionPolicy, ['PreemptLowerPriority', 'Never'], `${path}.preemptionPolicy`, errors);
  if (spec.shareProcessNamespace === true && spec.hostPID === true)
    errors.push(
      invalidValue(
        `${path}.securityContext.shareProcessNamespace`,
        true,
        'ShareProcessNamespace and HostPID cannot both be enabled',
      ),
    );
  if (spec.os !== undefined) checkOneOf(spec.os.name, ['linux', 'windows'], `${path}.os.name`, errors);
}

const nameRules = {
  serviceAccountName: isDns1123Subdomain,
  nodeName: isDns1123Subdomain,
  hostname: isDns1123Label,
  subdomain: isDns1123Label,
  priorityClassName: isDns1123Subdomain,
  runtimeClassName: isDns1123Subdomain,
} as const;

function checkNames(
  spec: PodSpec,
  fields: readonly (keyof typeof nameRules)[],
  path: string,
  errors: FieldErrors,
): void {
  for (const field of fields) {
    const value = spec[field];
    if (value !== undefined && value !== '') checkRule(value, nameRules[field], `${path}.${field}`, errors);
  }
}

/** On the host's network a container port is the host's. */
function checkHostNetworkPorts(spec: PodSpec, path: string, errors: FieldErrors): void {
  if (spec.hostNetwork !== true) return;
  for (const [at, { ports }] of (spec.containers ?? []).entries())
    for (const [index, { hostPort, containerPort }] of (ports ?? []).entries())
      if (hostPort !== containerPort)
        errors.push(
          invalidValue(
            `${path}.containers[${at}].ports[${index}].hostPort`,
            hostPort ?? 0,
            'must match `containerPort` when `hostNetwork` is true',
          ),
        );
}

function validateGates(spec: PodSpec, path: string, errors: FieldErrors): void {
  for (const [index, { conditionType = '' }] of (spec.readinessGates ?? []).entries())
    checkRule(conditionType, isQualifiedName, `${path}.readinessGates[${index}].conditionType`, errors);
  const seen = new Set<string>();
  for (const [index, { name = '' }] of (spec.schedulingGates ?? []).entries()) {
    checkRule(name, isQualifiedName, `${path}.schedulingGates[${index}]`, errors);
    if (seen.has(name)) errors.push(duplicate(`${path}.schedulingGates[${index}]`, name));
    seen.add(name);
  }
}

function validateSpread(spec: PodSpec, path: string, errors: FieldErrors): void {
  const seen = new Set<string>();
  for (const [index, constraint] of (spec.topologySpreadConstraints ?? []).entries()) {
    const at = `${path}[${index}]`;
    const { maxSkew, topologyKey = '', whenUnsatisfiable, labelSelector, minDomains } = constraint;
    checkPositive(maxSkew, `${at}.maxSkew`, errors);
    if (topologyKey === '') errors.push(required(`${at}.topologyKey`, 'can not be empty'));
    checkOneOf(whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway'], `${at}.whenUnsatisfiable`, errors);
    const pair = `{${topologyKey}, ${whenUnsatisfiable ?? ''}}`;
    if (seen.has(pair)) errors.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, pair));
    seen.add(pair);
    if (minDomains !== undefined) checkPositive(minDomains, `${at}.minDomains`, errors);
    checkLabelSelector(labelSelector, `${at}.labelSelector`, errors);
  }
}

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] as const;

export function validateTolerations(
  tolerations: readonly Toleration[],
  path: string,
  errors: FieldErrors,
): void {
  for (const [index, toleration] of tolerations.entries()) {
    const at = `${path}[${index}]`;
    const { key = '', operator = '', value = '', effect = '', tolerationSeconds } = toleration;
    if (key !== '') checkRule(key, isQualifiedName, `${at}.key`, errors);
    else if (operator !== 'Exists')
      errors.push(
        invalidValue(
          `${at}.operator`,
          operator,
          'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        ),
      );
    if (tolerationSeconds !== undefined && effect !== 'NoExecute')
      errors.push(
        invalidValue(`${at}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"),
      );
    if (operator === '' || operator === 'Equal') {
      for (const message of isLabelValue(value)) errors.push(invalidValue(`${at}.operator`, value, message));
    } else if (operator === 'Exists') {
      if (value !== '')
        errors.push(invalidValue(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'"));
    } else errors.push(notSupported(`${at}.operator`, operator, ['Equal', 'Exists']));
    if (effect !== '') checkOneOf(effect, effects, `${at}.effect`, errors);
  }
}

function validateAffinity(affinity: Affinity, path: string, errors: FieldErrors): void {
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity;
  const needed = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (needed !== undefined) {
    const at = `${path}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`;
    const { nodeSelectorTerms = [] } = needed;
    if (nodeSelectorTerms.length === 0)
      errors.push(required(at, 'must have at least one node selector term'));
    for (const [index, term] of nodeSelectorTerms.entries()) checkNodeTerm(term, `${at}[${index}]`, errors);
  }
  for (const [index, term] of (
    nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
  ).entries()) {
    const at = `${path}.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
    checkWeight(term.weight, `${at}.weight`, errors);
    checkNodeTerm(term.preference ?? {}, `${at}.preference`, errors);
  }
  if (podAffinity !== undefined) validatePodAffinity(podAffinity, `${path}.podAffinity`, errors);
  if (podAntiAffinity !== undefined) validatePodAffinity(podAntiAffinity, `${path}.podAntiAffinity`, errors);
}

function checkWeight(weight: number | undefined, path: string, errors: FieldErrors): void {
  if (weight === undefined || weight < 1 || weight > 100)
    errors.push(invalidValue(path, weight ?? 0, 'must be in the range 1-100'));
}

const nodeOperators = ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'] as const;

function checkNodeTerm(term: NodeSelectorTerm, path: string, errors: FieldErrors): void {
  for (const [index, { key = '', operator = '', values = [] }] of (term.matchExpressions ?? []).entries()) {
    const at = `${path}.matchExpressions[${index}]`;
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0)
        errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0)
        errors.push(
          forbiddenField(
            `${at}.values`,
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
          ),
        );
    } else if (operator === 'Gt' || operator === 'Lt') {
      if (values.length !== 1)
        errors.push(
          required(`${at}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"),
        );
    } else if (!nodeOperators.includes(operator as 'In'))
      errors.push(invalidValue(`${at}.operator`, operator, 'not a valid selector operator'));
    checkRule(key, isQualifiedName, `${at}.key`, errors);
  }
}

function validatePodAffinity(affinity: PodAffinity, path: string, errors: FieldErrors): void {
  const needed = affinity.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  for (const [index, term] of needed.entries())
    checkPodTerm(term, `${path}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`, errors);
  for (const [index, term] of (affinity.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    const at = `${path}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
    checkWeight(term.weight, `${at}.weight`, errors);
    checkPodTerm(term.podAffinityTerm ?? {}, `${at}.podAffinityTerm`, errors);
  }
}

function checkPodTerm(
  term: NonNullable<PodAffinity['requiredDuringSchedulingIgnoredDuringExecution']>[number],
  path: string,
  errors: FieldErrors,
): void {
  checkLabelSelector(term.labelSelector, `${path}.labelSelector`, errors);
  for (const [index, namespace] of (term.namespaces ?? []).entries())
    checkRule(namespace, isDns1123Label, `${path}.namespaces[${index}]`, errors);
  if ((term.topologyKey ?? '') === '') errors.push(required(`${path}.topologyKey`, 'can not be empty'));
  checkRule(term.topologyKey ?? '', isQualifiedName, `${path}.topologyKey`, errors);
}

/** A template's own metadata and its pod spec. */
export function validatePodTemplate(
  template: PodTemplateSpec | undefined,
  path: string,
  errors: FieldErrors,
): void {
  validateLabels(template?.metadata?.labels, `${path}.labels`, errors);
  validateAnnotations(template?.metadata?.annotations, `${path}.annotations`, errors);
  validatePodSpec(template?.spec, `${path}.spec`, errors);
  if ((template?.spec?.ephemeralContainers ?? []).length > 0)
    errors.push(
      forbiddenField(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template'),
    );
}
