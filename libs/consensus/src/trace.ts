/** When one write passed the stations of this replica, in milliseconds since the epoch with fractions. */
export interface WriteTimes {
  /** Asked for. */
  readonly proposedMs: number;
  /** Its entry handed to this replica's log: on the leader's word, where another leads. */
  readonly appendedMs: number;
  /** Durable here; undefined where a majority of others was faster. */
  readonly syncedMs: number | undefined;
  /** Known to be durable on a majority. */
  readonly committedMs: number;
  /** Applied here: the write is answered. */
  readonly appliedMs: number;
}

/** Follows one write. Called once, by one of the two. */
export interface WriteTrace {
  applied(times: WriteTimes): void;
  failed(error: Error): void;
}

/** This process's clock for traces: comparable between its threads. */
export const epochMs = (): number => performance.timeOrigin + performance.now();
