import { StorageError } from '../storage.js';
import { EtcdAccess } from './etcd-access.js';
import { unsupported, tellsProgress } from './etcd-status.js';
import { parseEtcdUrl } from './etcd-url.js';
import type { EtcdLocation } from './etcd-url.js';
import { EtcdReplica } from './external-replica.js';
import type { ExternalReplica } from './external-replica.js';
import { EtcdConnection } from './grpc/connection.js';
import { EtcdError } from './grpc/etcd-error.js';
import type { StatusResponse, WatchResponse } from './grpc/messages.js';
import { layoutOf } from './layout.js';
import type { Layout } from './layout.js';
import { load } from './load.js';
import type { Loaded } from './load.js';
import { resolveExternalOptions } from './options.js';
import type { ExternalOptions, ResolvedExternalOptions } from './options.js';

/**
 * Opens a replica over an external etcd: checks that etcd will do and that the data are this cluster's, reads them with
 * what etcd retains of their history, and follows the watch from there. Resolves once this replica holds what etcd held;
 * a leader may not be known yet.
 *
 * Throws Error when etcd cannot be reached in time, does not let this user in, is too old, or holds the data of another
 * cluster; each message says what to do.
 */
export async function openExternal(given: ExternalOptions): Promise<ExternalReplica> {
  const options = resolveExternalOptions(given);
  const location = parseEtcdUrl(options.url);
  const connection = await EtcdConnection.create({
    endpoints: location.endpoints,
    tls: location.secure ? (options.tls ?? {}) : undefined,
    user: options.user,
  });
  try {
    const status = await firstStatus(connection, location, options);
    const fault = unsupported(status.version);
    if (fault !== undefined) throw new Error(`${fault}. Upgrade etcd at ${location.endpoints.join(', ')}`);
    const layout = layoutOf(location.prefix);
    const access = new EtcdAccess({
      connection,
      patienceMs: options.startPatienceMs,
      now: () => performance.now(),
    });
    const head = await claim(access, layout, location, options);
    const loaded = await loadWithHistory(connection, layout, head - options.retentionRevisions);
    const trustsProgress = tellsProgress(status.version);
    const replica = new EtcdReplica({ options, connection, layout, loaded, trustsProgress });
    await replica.start();
    return replica;
  } catch (error) {
    connection.close();
    throw error instanceof EtcdError || error instanceof StorageError
      ? advise(error.message, location)
      : error;
  }
}

/** etcd's word on itself, from the first endpoint that answers. */
async function firstStatus(
  connection: EtcdConnection,
  location: EtcdLocation,
  { startPatienceMs }: ResolvedExternalOptions,
): Promise<StatusResponse> {
  const deadline = performance.now() + startPatienceMs;
  for (;;) {
    const { endpoint } = connection;
    try {
      return await connection.call('Maintenance/Status', {}, 2_000);
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      connection.moveOn(endpoint);
      if (!error.isUnreachable || performance.now() > deadline || isHopeless(error.details))
        throw advise(error.message, location);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Waiting does not mend certificates. */
function isHopeless(details: string): boolean {
  return /certificate|altname|alert|wrong version number|SSL|TLS/i.test(details);
}

function advise(message: string, { endpoints, secure }: EtcdLocation): Error {
  const where = endpoints.join(', ');
  if (/authentication failed|invalid user|permission denied|user name is empty|auth token/.test(message))
    return new Error(
      `etcd at ${where} does not let this master in: ${message}. Check the user and the password of the storage, and that it may read and write the prefix`,
    );
  if (secure && isHopeless(message))
    return new Error(
      `no TLS with etcd at ${where}: ${message}. Check the storage's CA (it must have signed etcd's certificate), and the client certificate where etcd asks for one`,
    );
  const hint = secure ? '' : ' (for an etcd that speaks TLS, use etcds://)';
  return new Error(
    `etcd cannot be reached at ${where}: ${message}. Start it, or correct the storage's URL${hint}`,
  );
}

/** Writes our identity at the prefix, or checks the one that is there. Returns etcd's newest revision. */
async function claim(
  access: EtcdAccess,
  { cluster: key }: Layout,
  { prefix }: EtcdLocation,
  { clusterId, startPatienceMs }: ResolvedExternalOptions,
): Promise<number> {
  const value = Buffer.from(JSON.stringify({ clusterId, format: 1 }));
  const txn = {
    compare: [{ key, target: 'CREATE', result: 'EQUAL', create_revision: 0 } as const],
    success: [{ request_put: { key, value } }],
    failure: [],
  };
  await access.repeatable('KV/Txn', txn, startPatienceMs);
  const { kvs, header } = await access.repeatable('KV/Range', { key }, startPatienceMs);
  const held = kvs[0]?.value.toString('utf8') ?? '';
  if (held !== value.toString('utf8'))
    throw new Error(
      `the data at '${prefix}' in etcd belong to another cluster: ${held}, not ${clusterId}. Choose another prefix (etcd://host:port/prefix), or remove them with \`etcdctl del --prefix ${prefix}\``,
    );
  return header.revision;
}

/**
 * As of an older revision, where etcd still has it: the watch then tells what has happened since, and clients that come
 * back after a restart can go on from where they were.
 */
async function loadWithHistory(connection: EtcdConnection, layout: Layout, wanted: number): Promise<Loaded> {
  let revision = Math.max(1, wanted);
  for (let attempts = 0; attempts < 5; attempts++) {
    try {
      return await load(connection, layout, revision);
    } catch (error) {
      if (!(error instanceof EtcdError && error.isCompacted)) throw error;
      revision = await firstRetained(connection, layout, revision);
    }
  }
  // It is compacted faster than it is read: then without history.
  return load(connection, layout);
}

/** The revision that etcd is compacted to, as it tells who watches from before it. */
async function firstRetained(connection: EtcdConnection, layout: Layout, before: number): Promise<number> {
  const { endpoint } = connection;
  const stream = await connection.stream('Watch/Watch');
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<number>((resolve, reject) => {
      const late = new EtcdError(4, 'no answer to a watch', endpoint);
      timer = setTimeout(() => reject(late), 5_000);
      stream.on('data', (response: WatchResponse) => {
        if (response.compact_revision > 0) resolve(response.compact_revision);
        else if (response.events.length > 0) resolve(before);
      });
      stream.on('error', (error) => reject(connection.streamFailed(error, endpoint)));
      stream.on('end', () => reject(new EtcdError(14, 'the watch was ended', endpoint)));
      stream.write({ create_request: { key: layout.cluster, start_revision: before } });
    });
  } finally {
    clearTimeout(timer);
    stream.cancel();
  }
}
