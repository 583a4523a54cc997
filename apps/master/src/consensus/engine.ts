import { ApiError } from '#libs/apimachinery';
import type { ExternalReplica, Replica } from '#libs/consensus';

/** What a master stores in: a replica of the embedded Raft group, or one over an external etcd. */
export type Engine = Replica | ExternalReplica;

/** The embedded replica; undefined with an external etcd. */
export function embedded(engine: Engine): Replica | undefined {
  return 'engine' in engine ? undefined : engine;
}

/** What a master answers where an external etcd has tools of its own. */
export function byEtcdsTools(instead: string): ApiError {
  return new ApiError(400, 'BadRequest', `this cluster stores in an external etcd: ${instead}`);
}
