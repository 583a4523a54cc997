import { lockDirectory } from '../data-dir/directory-lock.js';
import { openDataDirectory } from '../data-dir/data-directory.js';
import type { DataDirectory } from '../data-dir/data-directory.js';
import { nodeEnvironment } from '../environment/environment.js';
import type { Environment } from '../environment/environment.js';
import { DataDirectoryError, rebuildAdvice } from '../errors.js';
import { defaultThreadMode, launchThread } from '../thread/launch.js';
import type { LaunchedThread } from '../thread/launch.js';
import type { FromThread, ThreadOptions } from '../thread/protocol.js';
import { resolveOptions } from './options.js';
import type { ReplicaOptions, ResolvedOptions } from './options.js';
import { EmbeddedReplica } from './replica.js';
import type { Replica } from './port.js';
import { ReplicaState, restoreState } from './state.js';

/** What a replica runs in: the machine, or a simulated one. */
export interface ReplicaHost extends Environment {
  /** Keeps others from the data directory; returns the release. */
  readonly lock: (directory: string) => () => void;
  /** Starts the consensus thread; `onExit` tells of an end that nobody asked for. */
  readonly launch: (options: ThreadOptions, onExit: (error: Error) => void) => LaunchedThread;
}

/**
 * Opens one replica of an embedded Raft group: checks and locks its directory, restores the newest
 * snapshot, starts the consensus thread (which replays the log) and joins its peers. Resolves once
 * the peer port is open; a leader may not be known yet.
 *
 * Throws DataDirectoryError (in use, not writable, of another member, damaged), or Error when the port
 * cannot be had; each message says what to do. Close it before opening the directory again.
 */
export async function openReplica(given: ReplicaOptions, host?: ReplicaHost): Promise<Replica> {
  const options = resolveOptions(given);
  return await open(options, host ?? machine(options));
}

function machine(options: ResolvedOptions): ReplicaHost {
  const mode = options.threadMode ?? defaultThreadMode;
  const launch: ReplicaHost['launch'] = (thread, onExit) => launchThread(mode, thread, onExit);
  return { ...nodeEnvironment, lock: lockDirectory, launch };
}

async function open(options: ResolvedOptions, host: ReplicaHost): Promise<Replica> {
  const directory = openDataDirectory(options.dataDir, options, host.disk, host.lock);
  try {
    return await start(options, directory, host);
  } catch (error) {
    directory.release();
    throw error;
  }
}

async function start(
  options: ResolvedOptions,
  directory: DataDirectory,
  host: ReplicaHost,
): Promise<Replica> {
  const onBad = (path: string, error: Error): void =>
    options.onWarning(`a snapshot does not hold and was put aside as ${path}: ${error.message}`);
  const restored = restoreState(directory.snapshotDirectory, onBad, host.disk);
  const session = host.random.randomInt(1, 2 ** 48 - 1);
  const state = new ReplicaState(session, restored);
  const replica = new EmbeddedReplica({
    options,
    environment: host,
    directory,
    session,
    state,
    configuration: restored?.metadata.configuration,
  });
  let running = false;
  const threadOptions: ThreadOptions = {
    clusterId: options.clusterId,
    memberId: options.memberId,
    members: directory.members,
    addresses: options.members,
    joined: directory.joined,
    host: options.listen.host,
    port: options.listen.port,
    tls: options.tls,
    logDirectory: directory.logDirectory,
    snapshotDirectory: directory.snapshotDirectory,
    restored: restored?.metadata,
    tickMs: options.tickMs,
    electionTicks: options.electionTicks,
    heartbeatTicks: options.heartbeatTicks,
    segmentBytes: options.segmentBytes,
    logKeepBytes: options.logKeepBytes,
    traced: options.trace !== undefined,
    ...(options.diskFault === undefined ? {} : { diskFault: options.diskFault }),
  };
  await new Promise<void>((resolve, reject) => {
    const thread = host.launch(threadOptions, (error) => {
      if (running) replica.threadLost(error);
      else reject(error);
    });
    replica.attach(thread);
    thread.port.on('message', (message) => {
      if (message.kind === 'started') {
        running = true;
        replica.receive(message);
        resolve();
      } else if (message.kind === 'failed') {
        void thread.end().then(() => reject(revive(message)));
      } else {
        replica.receive(message);
      }
    });
  });
  return replica;
}

/** Errors lose their class when they cross threads. */
function revive({ name, code, message }: Extract<FromThread, { kind: 'failed' }>): Error {
  if (name === 'DataDirectoryError') return new DataDirectoryError((code ?? 'Damaged') as 'Damaged', message);
  if (name === 'RaftInvariantError') {
    return new DataDirectoryError('Damaged', `the log contradicts itself: ${message}. ${rebuildAdvice}`);
  }
  return new Error(message);
}
