import { readFileSync } from 'node:fs';
import type { Storage } from '#libs/consensus';
import { openRedisEventStore, parseRedisUrl, type RedisEventStore, type RedisTls } from '#libs/event-store';
import type { Logger } from '#libs/telemetry';
import { ConfigError, type MasterConfig } from '../config.js';

/**
 * The store of Events that the configuration names; undefined where they stay in the storage. A Redis that is away is no
 * reason not to start. Throws ConfigError for what can never work, without the password.
 */
export function openEventStore(
  config: MasterConfig,
  storage: Storage,
  logger: Logger,
): RedisEventStore | undefined {
  const { eventsStore: url, eventsStoreCaFile, clusterId, eventTtlSeconds } = config;
  if (url === undefined) {
    if (eventsStoreCaFile !== undefined)
      throw new ConfigError('"eventsStoreCaFile" is of no use without "eventsStore"');
    return undefined;
  }
  return openRedisEventStore({
    url,
    ...tlsOf(url, eventsStoreCaFile),
    clusterId,
    leadership: () => storage.leadership,
    ttlMs: eventTtlSeconds * 1_000,
    onChange: (up, detail) => {
      if (up) logger.info({ component: 'event-store' }, detail);
      else
        logger.warn(
          { component: 'event-store' },
          `${detail}. Until then there are no events, and everything else goes on`,
        );
    },
  });
}

function tlsOf(url: string, caFile: string | undefined): { readonly tls?: RedisTls } {
  let secure: boolean;
  try {
    ({ secure } = parseRedisUrl(url));
  } catch (error) {
    throw new ConfigError(`eventsStore: ${(error as Error).message}`);
  }
  if (caFile === undefined) return {};
  if (!secure) throw new ConfigError('"eventsStoreCaFile" needs rediss:// in "eventsStore"');
  try {
    return { tls: { ca: readFileSync(caFile, 'utf8') } };
  } catch (error) {
    throw new ConfigError(`cannot read the file of "eventsStoreCaFile": ${(error as Error).message}`);
  }
}
