import type { Redis } from 'ioredis';
import type { RedisLocation } from './redis-url.js';

/** TLS of a `rediss://` URL. */
export interface RedisTls {
  /** PEM. Default: the authorities that the system trusts. */
  readonly ca?: string;
}

const connectTimeoutMs = 2_000;

/**
 * A connection that lives once: whoever sees it fail opens another. Resolves when Redis answers on it; rejects with an error
 * that says what to do.
 */
export async function connectRedis(
  location: RedisLocation,
  tls: RedisTls | undefined,
  commandTimeoutMs: number | undefined,
): Promise<Redis> {
  const { host, port, database, user, password, secure } = location;
  // Only here: a cluster whose events are in its log need not load it.
  const { Redis: Client } = await import('ioredis');
  const client = new Client({
    host,
    port,
    db: database,
    ...(user === undefined ? {} : { username: user }),
    ...(password === undefined ? {} : { password }),
    ...(secure ? { tls: { ...tls } } : {}),
    ...(commandTimeoutMs === undefined ? {} : { commandTimeout: commandTimeoutMs }),
    connectTimeout: connectTimeoutMs,
    protocol: 2,
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectionName: 'trireme-events',
    disableClientInfo: true,
  });
  let cause: Error | undefined;
  client.on('error', (error: Error) => void (cause ??= error));
  try {
    // A server that takes connections and says nothing would hold up the handshake for ever.
    await withTimeout(client.connect(), connectTimeoutMs * 2, 'it does not answer');
    return client;
  } catch (error) {
    client.disconnect();
    throw advise(location, (cause ?? (error as Error)).message);
  }
}

function advise({ shown, secure }: RedisLocation, message: string): Error {
  if (/WRONGPASS|NOAUTH|invalid password|without any password|NOPERM/.test(message))
    return new Error(
      `Redis at ${shown} does not let this master in: ${message}. Correct user and password in the URL of the events store`,
    );
  if (/DB index|invalid DB/.test(message))
    return new Error(`Redis at ${shown} has no such database: ${message}. Choose another`);
  if (secure && /certificate|altname|wrong version number|SSL|TLS|alert/i.test(message))
    return new Error(
      `no TLS with Redis at ${shown}: ${message}. Check "eventsStoreCaFile", or use redis:// for one that speaks no TLS`,
    );
  const hint = secure ? '' : ' (for a Redis that speaks TLS, use rediss://)';
  return new Error(`Redis cannot be reached at ${shown}: ${message}. Start it, or correct the URL${hint}`);
}

export async function withTimeout<T>(promise: Promise<T>, timeoutMs: number, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
