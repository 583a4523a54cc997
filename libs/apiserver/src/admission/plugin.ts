import type { KubernetesObject, ResourceDeclaration } from '#libs/apimachinery';
import type { Compare, Operation } from '#libs/consensus';
import type { UserInfo } from '../request.js';

export type AdmissionOperation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

/** A request on its way into the store, as Kubernetes' admission sees it. */
export interface AdmissionAttributes {
  readonly operation: AdmissionOperation;
  readonly declaration: ResourceDeclaration;
  /** Empty for the object itself. */
  readonly subresource: string;
  /** Empty for cluster-scoped kinds. */
  readonly namespace: string;
  /** Empty where the server will make one up from generateName. */
  readonly name: string;
  /** In the version of the declaration. `admit` and `reserve` may change it in place. Undefined on DELETE. */
  readonly object: KubernetesObject | undefined;
  /** What is stored. Shared: read only. Undefined on CREATE. */
  readonly oldObject: KubernetesObject | undefined;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  /** RFC 3339, whole seconds. */
  readonly now: string;
  /** Tells the client something in a Warning header. */
  readonly warn: (message: string) => void;
}

/** The local replica as plugins see it. Objects are decoded, in the storage version, shared: read only. */
export interface AdmissionReader {
  get(group: string, resource: string, namespace: string, name: string): KubernetesObject | undefined;
  /** All of a namespace, or of every namespace when it is empty. */
  list(group: string, resource: string, namespace: string): readonly KubernetesObject[];
  /** Revision that created the object, undefined where there is none. */
  createRevision(group: string, resource: string, namespace: string, name: string): number | undefined;
  /** Resolves once the replica holds everything acknowledged before: for what ought to exist and seems not to. */
  refresh(): Promise<void>;
  exists(key: string): boolean;
  /** Resolves after so many milliseconds. */
  pause(delayMs: number): Promise<void>;
  /** [0, 1). */
  random(): number;
  uid(): string;
}

/** What must be written together with the object, or not at all. */
export interface Reservation {
  readonly compare: readonly Compare[];
  readonly operations: readonly Operation[];
  /** Takes back what `reserve` wrote into the object: somebody else was faster and it will be asked again. */
  readonly undo: () => void;
}

/** One step of admission. Refuses by throwing ApiError. */
export interface AdmissionPlugin {
  readonly name: string;
  /** Asked first: false skips the plugin for this request. */
  handles(attributes: AdmissionAttributes): boolean;
  /** Changes the object, before it is validated. */
  admit?(attributes: AdmissionAttributes, reader: AdmissionReader): void | Promise<void>;
  /** Judges the object as it will be stored. */
  validate?(attributes: AdmissionAttributes, reader: AdmissionReader): void | Promise<void>;
  /** Adds writes and conditions to the transaction that stores (or deletes) the object. Not called on a dry run. */
  reserve?(attributes: AdmissionAttributes, reader: AdmissionReader): Reservation | undefined;
}
