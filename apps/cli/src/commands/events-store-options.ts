import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { parseRedisUrl } from '#libs/event-store';
import type { ChosenEventsStore } from '../cluster/state.js';
import { UserError } from '../ui/errors.js';
import { integer } from './options.js';

/** Flags of the store of Events, named as the keys of a master's configuration. */
export type EventsStoreFlags = ChosenEventsStore;

export function eventsStoreOptions(command: Command): Command {
  return command
    .addOption(
      // Not checked by commander, which would show the password of a URL that is wrong.
      new Option(
        '--events-store <url>',
        'keep events in Redis instead of in the log: redis://[[user]:password@]host[:port][/database], rediss:// for TLS',
      ).env('TRIREME_EVENTS_STORE'),
    )
    .addOption(
      new Option('--events-store-ca-file <file>', "PEM of the authority of Redis's certificate").env(
        'TRIREME_EVENTS_STORE_CA_FILE',
      ),
    )
    .addOption(
      new Option('--event-ttl-seconds <n>', 'how long events are kept (default: an hour)')
        .env('TRIREME_EVENT_TTL_SECONDS')
        .argParser(integer(1, 31_536_000)),
    );
}

/** What the flags say of the store of Events. Throws UserError for what cannot be, without the password. */
export function chosenEventsStore(flags: EventsStoreFlags): ChosenEventsStore {
  const { eventsStore, eventsStoreCaFile: file, eventTtlSeconds } = flags;
  const ttl = eventTtlSeconds === undefined ? {} : { eventTtlSeconds };
  if (eventsStore === undefined) {
    if (file !== undefined)
      throw new UserError('--events-store-ca-file was given without --events-store', 'add --events-store');
    return ttl;
  }
  let secure: boolean;
  try {
    ({ secure } = parseRedisUrl(eventsStore));
  } catch (error) {
    throw new UserError(
      `--events-store: ${(error as Error).message}`,
      'give a URL such as redis://127.0.0.1:6379, or leave --events-store out',
    );
  }
  if (file === undefined) return { eventsStore, ...ttl };
  if (!secure) throw new UserError('--events-store-ca-file needs TLS', 'use rediss:// in --events-store');
  if (!existsSync(file)) throw new UserError(`there is no file ${file}`, 'correct its path');
  // The masters run in directories of their own.
  return { eventsStore, eventsStoreCaFile: resolve(file), ...ttl };
}
