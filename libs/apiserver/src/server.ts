import { randomUUID } from 'node:crypto';
import type { ResourceDeclaration, Scheme } from '#libs/apimachinery';
import type { Storage } from '#libs/consensus';
import { admissionReader, AdmissionChain } from './admission/chain.js';
import type { AdmissionPlugin } from './admission/plugin.js';
import type { Authorizer } from './authz.js';
import { systemClock, type Clock } from './clock.js';
import type { PathHandler, VirtualCreate } from './extension.js';
import { FlowControl, type FlowCounts, type FlowLimits } from './handler/flow-control.js';
import { createHandler } from './handler/handler.js';
import type { RequestMetrics } from './handler/metrics.js';
import { subresourceHandlers, type SubresourceOptions } from './subresources/index.js';
import type { Core } from './registry/core.js';
import { DecodedCache } from './registry/decoded-cache.js';
import { EventLeases, isEvent } from './registry/event-lease.js';
import { eventsCore, type EventStore } from './registry/event-store.js';
import { prefixEnd, resourcePrefix } from './registry/keys.js';
import type { ApiHandler, ApiRequest } from './request.js';
import { WatchHubs } from './watch/hub.js';

export interface ApiServerOptions extends SubresourceOptions {
  readonly storage: Storage;
  /** Keeps the Events in the storage's stead. The caller closes it. */
  readonly eventStore?: EventStore;
  /** How long Events are kept in the storage. Default an hour; an `eventStore` decides for itself. */
  readonly eventTtlSeconds?: number;
  readonly scheme: Scheme;
  readonly authorizer: Authorizer;
  /** In the order in which they run. Default: none; `defaultAdmission()` makes the usual ones. */
  readonly admission?: readonly AdmissionPlugin[];
  /** Paths outside the resources: discovery, OpenAPI, version, health. */
  readonly paths?: readonly PathHandler[];
  /** Creates of kinds that are never stored, by `group/resource`, e.g. `authorization.k8s.io/subjectaccessreviews`. */
  readonly virtual?: ReadonlyMap<string, VirtualCreate>;
  readonly clock?: Clock;
  /** Shared with `createSecurity`, so that nothing is decoded twice. Default: one of its own. */
  readonly decoded?: DecodedCache;
  readonly uid?: () => string;
  /** [0, 1). */
  readonly random?: () => number;
  readonly limits?: FlowLimits;
  readonly metrics?: RequestMetrics;
  /** Called with faults of the server itself; default: written to standard error. */
  readonly onFault?: (error: unknown, request: ApiRequest) => void;
}

export interface ApiServer {
  readonly handle: ApiHandler;
  /** Requests from outside that are being answered; watches are counted apart. */
  inflight(): { readonly readOnly: number; readonly mutating: number };
  /** The seats of requests from outside, by kind. */
  flow(): Readonly<Record<'readOnly' | 'mutating', FlowCounts>>;
  /** Open watches by `resource.group`. */
  watchers(): ReadonlyMap<string, number>;
  /** Stored objects by `resource.group`: counted in the tree, for metrics. */
  objectCounts(): ReadonlyMap<string, number>;
  /** The decoded form of stored records, shared with the server's own. */
  readonly decoded: DecodedCache;
  /** Ends all watches in order, so that their clients go elsewhere. To be called before the HTTP server closes. */
  close(): void;
}

/** The API of one replica over its storage. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  const { storage, scheme } = options;
  const { decoded = new DecodedCache() } = options;
  const hubs = new WatchHubs(storage, decoded);
  const uid = options.uid ?? randomUUID;
  const clock = options.clock ?? systemClock;
  const random = options.random ?? Math.random;
  const watching = new Map<string, number>();
  const open = new Set<() => void>();
  const count = (declaration: ResourceDeclaration, by: number): void => {
    const name = qualifiedName(declaration);
    watching.set(name, (watching.get(name) ?? 0) + by);
  };
  const ownCore: Core = {
    storage,
    scheme,
    clock,
    uid,
    random,
    decoded,
    hubs,
    eventLeases: new EventLeases(storage, clock, options.eventTtlSeconds),
    admission: new AdmissionChain(
      options.admission ?? [],
      admissionReader(storage, decoded, { random, uid, clock }),
    ),
    authorizer: options.authorizer,
    virtual: options.virtual ?? new Map(),
    onFault: options.onFault ?? logFault,
    watchOpened: (declaration, finish) => {
      count(declaration, 1);
      open.add(finish);
      return () => {
        count(declaration, -1);
        open.delete(finish);
      };
    },
  };
  const events = options.eventStore === undefined ? undefined : eventsCore(ownCore, options.eventStore);
  const core: Core = events === undefined ? ownCore : { ...ownCore, events };
  const flow = new FlowControl(options.limits);
  const handle = createHandler({
    core,
    paths: options.paths ?? [],
    subresources: subresourceHandlers(options),
    flow,
    metrics: options.metrics ?? {},
  });
  return {
    handle,
    inflight: () => flow.inflight(),
    flow: () => flow.counts(),
    watchers: () => watching,
    objectCounts: () => objectCounts(core),
    decoded,
    close: () => {
      for (const finish of open) finish();
      hubs.close();
      events?.core.hubs.close();
    },
  };
}

function logFault(error: unknown, { method, path }: ApiRequest): void {
  console.error(`${method} ${path} failed:`, error);
}

function qualifiedName({ group, resource }: ResourceDeclaration): string {
  return group === '' ? resource : `${resource}.${group}`;
}

function objectCounts({ scheme, storage, events }: Core): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const declaration of scheme.resources()) {
    const name = qualifiedName(declaration);
    if (declaration.virtual || counts.has(name)) continue;
    const prefix = resourcePrefix(declaration);
    const store = events !== undefined && isEvent(declaration) ? events.store : storage;
    counts.set(name, store.range({ start: prefix, end: prefixEnd(prefix), limit: 1, count: true }).count);
  }
  return counts;
}
