import type { Configuration } from '#libs/raft';
import type { DataDirectory } from '../data-dir/data-directory.js';
import type { Environment } from '../environment/environment.js';
import type { ResolvedOptions } from './options.js';
import type { ReplicaState } from './state.js';

/** What a replica is made of: opened, locked and restored by openReplica. */
export interface ReplicaParts {
  readonly environment: Environment;
  readonly options: ResolvedOptions;
  readonly directory: DataDirectory;
  readonly session: number;
  readonly state: ReplicaState;
  /** Of the snapshot that the state was restored from. */
  readonly configuration: Configuration | undefined;
}
