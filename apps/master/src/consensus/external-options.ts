import { readFileSync } from 'node:fs';
import { type ExternalOptions, parseEtcdUrl } from '#libs/consensus';
import { ConfigError, type MasterConfig } from '../config.js';

/** How to open the external etcd that the configuration names; undefined where it names none. Throws ConfigError. */
export function externalOptions(
  config: MasterConfig,
): Omit<ExternalOptions, 'onWarning' | 'onFatal'> | undefined {
  const { storage: url, storageCaFile, storageCertFile, storageKeyFile } = config;
  if (url === undefined) return undefined;
  if (config.etcdApi !== undefined)
    throw new ConfigError(
      '"etcdApi" needs the embedded log: with "storage", clients of etcd use that etcd itself',
    );
  const { secure } = located(url);
  if (!secure && (storageCaFile ?? storageCertFile ?? storageKeyFile) !== undefined)
    throw new ConfigError('certificates for the storage need etcds:// in "storage"');
  if ((storageCertFile === undefined) !== (storageKeyFile === undefined))
    throw new ConfigError('"storageCertFile" and "storageKeyFile" go together');
  const ca = read('storageCaFile', storageCaFile);
  const certificate = read('storageCertFile', storageCertFile);
  const privateKey = read('storageKeyFile', storageKeyFile);
  const user = userOf(config);
  return {
    name: config.name,
    memberId: config.memberId,
    clusterId: config.clusterId,
    members: config.members.map((member) =>
      member.id === config.memberId && config.observer ? { ...member, observer: true } : member,
    ),
    url,
    ...(secure
      ? {
          tls: {
            ...(ca === undefined ? {} : { ca }),
            ...(certificate === undefined || privateKey === undefined ? {} : { certificate, privateKey }),
          },
        }
      : {}),
    ...(user === undefined ? {} : { user }),
  };
}

function located(url: string) {
  try {
    return parseEtcdUrl(url);
  } catch (error) {
    throw new ConfigError(`storage: ${(error as Error).message}`);
  }
}

function userOf({ storageUser: name, storagePasswordFile }: MasterConfig): ExternalOptions['user'] {
  const password = read('storagePasswordFile', storagePasswordFile)?.trimEnd();
  if (name === undefined && password === undefined) return undefined;
  if (name === undefined || password === undefined)
    throw new ConfigError('"storageUser" and "storagePasswordFile" go together');
  return { name, password };
}

function read(key: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError(`cannot read the file of "${key}": ${(error as Error).message}`);
  }
}
