import type { ResourceDeclaration, Scheme } from '#libs/apimachinery';
import type { KeyStorage } from '#libs/consensus';
import type { AdmissionChain } from '../admission/chain.js';
import type { Authorizer } from '../authz.js';
import type { Clock } from '../clock.js';
import type { VirtualCreate } from '../extension.js';
import type { ApiRequest } from '../request.js';
import type { WatchHubs } from '../watch/hub.js';
import type { DecodedCache } from './decoded-cache.js';
import type { EventLeases } from './event-lease.js';
import type { EventsCore } from './event-store.js';

/** What every verb works with. */
export interface Core {
  readonly storage: KeyStorage;
  readonly scheme: Scheme;
  readonly clock: Clock;
  readonly uid: () => string;
  /** [0, 1), for generated names and the choice of addresses. */
  readonly random: () => number;
  readonly decoded: DecodedCache;
  readonly hubs: WatchHubs;
  /** Undefined where the storage lets everything expire by itself. */
  readonly eventLeases: EventLeases | undefined;
  /** What the verbs work with for Events, where those have a store of their own. */
  readonly events?: EventsCore;
  readonly admission: AdmissionChain;
  readonly authorizer: Authorizer;
  /** Creates of kinds that are never stored, by `group/resource`. */
  readonly virtual: ReadonlyMap<string, VirtualCreate>;
  /** Faults of ours, with their stack: for the log, never for the client. */
  readonly onFault: (error: unknown, request: ApiRequest) => void;
  /** A watch was opened; `finish` ends it in order. Returns what to call when it has ended. */
  readonly watchOpened: (declaration: ResourceDeclaration, finish: () => void) => () => void;
}
