import type { Connection } from '../services/connection.js';
import type { Target } from '../targets/target.js';

export const faultNames = [
  'kill',
  'pause',
  'partition',
  'partition-in',
  'partition-out',
  'stop',
  'slow-disk',
  'full-disk',
  'rolling-restart',
  'rolling-upgrade',
] as const;
export type FaultName = (typeof faultNames)[number];

/** What each does to the leader (the rolling ones to all, one after the other), for `--help` and the docs. */
export const faultSummaries: Readonly<Record<FaultName, string>> = {
  kill: 'kill -9; it is started again',
  pause: 'SIGSTOP for two seconds',
  partition: 'no peer hears it, it hears no peer, for two seconds; clients reach it',
  'partition-in': 'it hears no peer for two seconds',
  'partition-out': 'no peer hears it for two seconds',
  stop: 'SIGTERM: it hands leadership over and drains',
  'slow-disk': 'each write of its log takes 200 ms longer, for two seconds',
  'full-disk': 'its log finds no space for two seconds',
  'rolling-restart': 'SIGTERM to each server in turn, the leader last',
  'rolling-upgrade': 'each server in turn goes on with another installation (--upgrade-from)',
};

/** How a fault comes to a target. Each resolves when it is in force, or over; times count from the call. */
export interface Fault {
  /** Puts the fault in force; for the rolling ones, does all of it. */
  readonly inject: () => Promise<void>;
  /** Milliseconds until it is taken back; 0: it is over when it has struck. */
  readonly lastsMs: number;
  readonly heal: () => Promise<void>;
}

/** A replicated store under test: Trireme, or a peer. */
export interface LabTarget {
  readonly name: string;
  /** Number of servers that clients may connect to. */
  readonly servers: number;
  /** Prefix of the keys that are watched and checked. */
  readonly prefix: string;
  connect(server: number): Promise<Connection>;
  /** Who leads: masters of Trireme, each of which tells by itself, or whoever can be asked. */
  readonly leaders:
    | { readonly masters: Pick<Target, 'servers' | 'tls'> }
    | { readonly ask: () => Promise<{ readonly name: string; readonly term: number } | undefined> };
  /** All servers are there and agree. */
  healthy(): Promise<boolean>;
  /** A fault on the server that leads now, or the reason why it cannot be had here. */
  fault(name: FaultName): Promise<Fault | string>;
  /** Makes the controllers and the scheduler do something, and resolves when they have; undefined: it has none. */
  readonly controllers?: (signal: AbortSignal) => Promise<void>;
  stop(): Promise<void>;
}
