/** Where an external etcd is, and which part of its key space is ours. */
export interface EtcdLocation {
  /** `host:port`, as gRPC takes them. */
  readonly endpoints: readonly string[];
  readonly secure: boolean;
  /** Begins and ends with a slash. */
  readonly prefix: string;
}

const defaultPort = 2379;
const defaultPrefix = '/trireme/';

/**
 * Reads `etcd://host:port[,host:port…][/prefix]`, or `etcds://…` for TLS. A port that is left out is 2379.
 * Throws Error with what is wrong. Credentials are no part of it: a URL is seen in process lists and logs.
 */
export function parseEtcdUrl(url: string): EtcdLocation {
  const match = /^(etcds?):\/\/([^/]*)(\/.*)?$/.exec(url);
  if (match === null)
    throw new Error(`'${url}' is no etcd URL such as etcd://10.0.0.1:2379,10.0.0.2:2379 (etcds:// for TLS)`);
  const [, scheme, hosts = '', path = defaultPrefix] = match;
  if (hosts.includes('@'))
    throw new Error('an etcd URL holds no user or password: they are settings of their own');
  return {
    endpoints: hosts.split(',').map((host) => endpoint(host, url)),
    secure: scheme === 'etcds',
    prefix: path === '/' ? defaultPrefix : path.endsWith('/') ? path : `${path}/`,
  };
}

function endpoint(text: string, url: string): string {
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?$/.exec(text);
  const port = Number(match?.[2] ?? defaultPort);
  if (match?.[1] === undefined || port < 1 || port > 65_535)
    throw new Error(`'${text}' in '${url}' is no host:port`);
  return `${match[1]}:${port}`;
}
