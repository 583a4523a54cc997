/** An event of a watch: a key's change, at its revision. */
export interface ChangeEvent {
  readonly key: string;
  /** Undefined: the key was deleted. */
  readonly value: string | undefined;
  readonly revision: number;
  /** Numbers the answer that carried it. */
  readonly batch: number;
}

/**
 * One client's connection to one server of a replicated store, whichever it is: etcd's API, or ConfigMaps of the
 * Kubernetes API. Every call ends within the connection's time; one that fails may have taken effect.
 */
export interface Connection {
  /** Writes a key that has never been written. */
  create(key: string, value: string): Promise<{ readonly revision: number }>;
  /** Writes a key, whatever it holds. */
  put(key: string, value: string): Promise<{ readonly revision: number }>;
  /** Reads linearizably. */
  get(key: string): Promise<{ readonly value: string | undefined; readonly revision?: number }>;
  /** Follows the keys that begin with `prefix`, after a revision, until the server, `signal` or a failure ends it. */
  watch(
    prefix: string,
    after: number,
    onEvent: (event: ChangeEvent) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** All keys that begin with `prefix`, and the revision that they were read at. */
  list(prefix: string): Promise<{ readonly revision: number; readonly keys: readonly string[] }>;
  close(): void;
}
