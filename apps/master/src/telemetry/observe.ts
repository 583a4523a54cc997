import type { Scheme } from '#libs/apimachinery';
import type { ApiServer } from '#libs/apiserver';
import type { RedisEventStore } from '#libs/event-store';
import type { RequestLabels } from '#libs/telemetry';
import type { Engine } from '../consensus/engine.js';
import type { Telemetry } from './telemetry.js';

/** Tells the registries where to ask when they are scraped. To be called once, before the first scrape. */
export function observe(
  telemetry: Telemetry,
  storage: Engine,
  api: ApiServer,
  scheme: Scheme,
  events: RedisEventStore | undefined,
): void {
  telemetry.observe({
    storage:
      'engine' in storage
        ? { external: () => storage.externalMetrics() }
        : { consensus: () => storage.metrics() },
    events: events === undefined ? undefined : () => events.metrics(),
    objectCounts: () => api.objectCounts(),
    flow: () => {
      const { readOnly, mutating } = api.flow();
      return [
        { priorityLevel: 'read-only', ...readOnly },
        { priorityLevel: 'mutating', ...mutating },
      ];
    },
    longRunning: () => openWatches(api, scheme),
  });
  storage.onLeadership((leadership) => telemetry.leadershipChanged(leadership));
}

function openWatches(api: ApiServer, scheme: Scheme): [RequestLabels, number][] {
  const versions = new Map(
    scheme.resources().map(({ group, version, resource }) => [`${resource}.${group}`, version]),
  );
  return [...api.watchers()].map(([name, count]) => {
    const [resource = '', ...groups] = name.split('.');
    const group = groups.join('.');
    const version = versions.get(`${resource}.${group}`) ?? '';
    return [{ verb: 'WATCH', group, version, resource, subresource: '', scope: '' }, count];
  });
}
