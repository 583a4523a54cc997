/**
 * Something that cannot happen has happened: a broken host, a damaged log, or a bug. The replica must
 * stop, because whatever it answered next could be wrong. Never caused by a peer's well-formed message.
 */
export class RaftInvariantError extends Error {
  override readonly name = 'RaftInvariantError';
}

export function invariant(holds: boolean, message: string): asserts holds {
  if (!holds) throw new RaftInvariantError(message);
}
