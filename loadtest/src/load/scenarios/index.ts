import type { ScenarioName } from '../plan.js';
import { rollingUpdate, scalePods } from './deployments.js';
import { heartbeats, scaleNodes } from './nodes.js';
import { churn, create, list, mixed, read } from './pods.js';
import type { Scenario } from './scenario.js';
import { watch } from './watch.js';

/** The named loads. Each request of one is the same for every engine. */
export const scenarios: Readonly<Record<ScenarioName, Scenario>> = {
  create,
  read,
  list,
  watch,
  mixed,
  churn,
  'rolling-update': rollingUpdate,
  heartbeats,
  'scale-nodes': scaleNodes,
  'scale-pods': scalePods,
};
