/** Where a Redis is, and as whom it is used. */
export interface RedisLocation {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  readonly database: number;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** The URL without user and password: for messages and logs. */
  readonly shown: string;
}

const defaultPort = 6379;
const example = 'redis://10.0.0.1:6379 (rediss:// for TLS)';

/**
 * Reads `redis://[[user]:password@]host[:port][/database]`, or `rediss://…` for TLS; user and password percent-encoded.
 * Throws Error with what is wrong, and never with the password.
 */
export function parseRedisUrl(text: string): RedisLocation {
  const scheme = /^(rediss?):\/\//.exec(text)?.[1];
  if (scheme === undefined)
    throw new Error(`a Redis URL begins with redis:// or rediss://, such as ${example}`);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Error(`this is no Redis URL such as ${example}: its host or its port is not well formed`);
  }
  if (url.hostname === '') throw new Error(`the Redis URL names no host; one such as ${example} is wanted`);
  if (url.search !== '' || url.hash !== '')
    throw new Error('a Redis URL has no parameters behind the database');
  const port = url.port === '' ? defaultPort : Number(url.port);
  if (port < 1) throw new Error('the port of the Redis URL must be from 1 to 65535');
  const database = /^\/?(\d{0,5})$/.exec(url.pathname)?.[1];
  if (database === undefined)
    throw new Error(`the database of the Redis URL must be a number, not '${url.pathname.slice(1)}'`);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const number = Number(database);
  return {
    secure: scheme === 'rediss',
    host,
    port,
    database: number,
    user: decoded(url.username),
    password: decoded(url.password),
    shown: `${scheme}://${url.hostname}:${port}${number === 0 ? '' : `/${number}`}`,
  };
}

function decoded(part: string): string | undefined {
  if (part === '') return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Error('user and password of the Redis URL must be percent-encoded');
  }
}
