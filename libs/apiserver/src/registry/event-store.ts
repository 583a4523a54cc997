import type { ResourceDeclaration } from '#libs/apimachinery';
import type { KeyStorage } from '#libs/consensus';
import { WatchHubs } from '../watch/hub.js';
import type { Core } from './core.js';
import { isEvent } from './event-lease.js';

/** A store for Events alone, beside the storage of everything else, with revisions of its own. Events expire in it by themselves. */
export interface EventStore extends KeyStorage {
  /** Throws StorageError Unavailable while nothing is to be had of it. */
  requireAvailable(): void;
}

export interface EventsCore {
  readonly store: EventStore;
  readonly core: Core;
}

/**
 * What the verbs work with for Events that are in `store`. Admission looks at the cluster's own state as ever, but a transaction
 * here cannot demand anything of it: an Event may come to be in a namespace that goes at this moment, until it expires.
 */
export function eventsCore(core: Core, store: EventStore): EventsCore {
  return {
    store,
    core: {
      ...core,
      storage: store,
      hubs: new WatchHubs(store, core.decoded),
      eventLeases: undefined,
      admission: core.admission.withoutReservations(),
    },
  };
}

/** What the verbs work with for this resource. Throws StorageError Unavailable where its store is away. */
export function coreFor(core: Core, declaration: ResourceDeclaration): Core {
  if (core.events === undefined || !isEvent(declaration)) return core;
  core.events.store.requireAvailable();
  return core.events.core;
}
