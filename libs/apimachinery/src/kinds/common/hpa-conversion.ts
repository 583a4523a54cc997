import type { KubernetesObject } from '../../types.js';

interface Metric {
  type?: string;
  resource?: { name?: string; target?: { type?: string; averageUtilization?: number } };
}
interface CurrentMetric {
  type?: string;
  resource?: { name?: string; current?: { averageUtilization?: number; averageValue?: string } };
}

/** Annotations in which v1 carries what it has no fields for; their JSON is v2's own. */
const carried = {
  metrics: 'autoscaling.alpha.kubernetes.io/metrics',
  behavior: 'autoscaling.alpha.kubernetes.io/behavior',
  conditions: 'autoscaling.alpha.kubernetes.io/conditions',
  currentMetrics: 'autoscaling.alpha.kubernetes.io/current-metrics',
} as const;

const isCpuGoal = ({ type, resource }: Metric): boolean =>
  type === 'Resource' && resource?.name === 'cpu' && resource.target?.type === 'Utilization';
const isCpu = ({ type, resource }: CurrentMetric): boolean => type === 'Resource' && resource?.name === 'cpu';

function withAnnotations(object: KubernetesObject, annotations: Record<string, string>): KubernetesObject {
  const { annotations: _dropped, ...metadata } = object.metadata;
  return {
    ...object,
    metadata: Object.keys(annotations).length === 0 ? metadata : { ...metadata, annotations },
  };
}

/** autoscaling/v2 → v1. */
export function hpaToV1(object: KubernetesObject): KubernetesObject {
  const {
    metrics = [],
    behavior,
    ...spec
  } = (object['spec'] ?? {}) as { metrics?: Metric[]; behavior?: unknown };
  const {
    currentMetrics = [],
    conditions,
    ...status
  } = (object['status'] ?? {}) as { currentMetrics?: CurrentMetric[]; conditions?: unknown[] };
  const goal = metrics.find(isCpuGoal)?.resource?.target?.averageUtilization;
  const now = currentMetrics.find(isCpu)?.resource?.current?.averageUtilization;
  const others = metrics.filter((metric) => !isCpuGoal(metric));
  const otherCurrent = currentMetrics.filter(
    (metric) => !isCpu(metric) || metric.resource?.current?.averageUtilization === undefined,
  );
  const annotations = { ...object.metadata.annotations };
  if (others.length > 0) annotations[carried.metrics] = JSON.stringify(others);
  if (otherCurrent.length > 0) annotations[carried.currentMetrics] = JSON.stringify(otherCurrent);
  if (behavior !== undefined) annotations[carried.behavior] = JSON.stringify(behavior);
  if ((conditions ?? []).length > 0) annotations[carried.conditions] = JSON.stringify(conditions);
  return {
    ...withAnnotations(object, annotations),
    spec: { ...spec, ...(goal === undefined ? {} : { targetCPUUtilizationPercentage: goal }) },
    status: {
      currentReplicas: 0,
      ...status,
      ...(now === undefined ? {} : { currentCPUUtilizationPercentage: now }),
    },
  };
}

/** autoscaling/v1 → v2. An annotation that does not parse counts as absent, as in Kubernetes. */
export function hpaFromV1(object: KubernetesObject): KubernetesObject {
  const { targetCPUUtilizationPercentage: goal, ...spec } = (object['spec'] ?? {}) as {
    targetCPUUtilizationPercentage?: number;
  };
  const { currentCPUUtilizationPercentage: now, ...status } = (object['status'] ?? {}) as {
    currentCPUUtilizationPercentage?: number;
  };
  const annotations = { ...object.metadata.annotations };
  const take = (key: keyof typeof carried): unknown => {
    const text = annotations[carried[key]];
    delete annotations[carried[key]];
    return text === undefined ? undefined : parse(text);
  };
  const metrics = asList(take('metrics'));
  if (goal !== undefined)
    metrics.push({
      type: 'Resource',
      resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: goal } },
    });
  const currentMetrics = asList(take('currentMetrics'));
  if (now !== undefined)
    currentMetrics.push({
      type: 'Resource',
      resource: { name: 'cpu', current: { averageUtilization: now } },
    });
  const behavior = take('behavior');
  const conditions = asList(take('conditions'));
  return {
    ...withAnnotations(object, annotations),
    spec: {
      ...spec,
      metrics:
        metrics.length > 0
          ? metrics
          : [
              {
                type: 'Resource',
                resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
              },
            ],
      ...(typeof behavior === 'object' && behavior !== null ? { behavior } : {}),
    },
    status: { ...status, currentMetrics, ...(conditions.length === 0 ? {} : { conditions }) },
  };
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
