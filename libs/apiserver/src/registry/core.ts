import type { ResourceDeclaration, Scheme } from '#libs/apimachinery';
import type { Storage } from '#libs/consensus';
import type { AdmissionChain } from '../admission/chain.js';
import type { Authorizer } from '../authz.js';
import type { Clock } from '../clock.js';
import type { VirtualCreate } from '../extension.js';
import type { ApiRequest } from '../request.js';
import type { WatchHubs } from '../watch/hub.js';
import type { DecodedCache } from './decoded-cache.js';
import type { EventLeases } from './event-lease.js';

/** What every verb works with. */
export interface Core {
  readonly storage: Storage;
  readonly scheme: Scheme;
  readonly clock: Clock;
  readonly uid: () => string;
  /** [0, 1), for generated names and the choice of addresses. */
  readonly random: () => number;
  readonly decoded: DecodedCache;
  readonly hubs: WatchHubs;
  readonly eventLeases: EventLeases;
  readonly admission: AdmissionChain;
  readonly authorizer: Authorizer;
  /** Creates of kinds that are never stored, by `group/resource`. */
  readonly virtual: ReadonlyMap<string, VirtualCreate>;
  /** Faults of ours, with their stack: for the log, never for the client. */
  readonly onFault: (error: unknown, request: ApiRequest) => void;
  /** A watch was opened; `finish` ends it in order. Returns what to call when it has ended. */
  readonly watchOpened: (declaration: ResourceDeclaration, finish: () => void) => () => void;
}
