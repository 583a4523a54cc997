import type { AlarmStatus } from '../storage.js';
import type { StatusResponse } from './grpc/messages.js';

/** The oldest etcd that has what is used here: transactions within transactions, requests for progress, fragments. */
const oldestSupported = [3, 4, 0] as const;
/** From these on a requested notice of progress comes behind the events before it. */
const progressFixes = [
  [3, 4, 31],
  [3, 5, 13],
] as const;

type Version = readonly [number, number, number];

function parse(text: string): Version | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)/.exec(text);
  return match === null ? undefined : [Number(match[1]), Number(match[2]), Number(match[3])];
}

function atLeast(version: Version, [major, minor, patch]: Version): boolean {
  if (version[0] !== major) return version[0] > major;
  if (version[1] !== minor) return version[1] > minor;
  return version[2] >= patch;
}

/** What is wrong with an etcd of this version; undefined when it will do. */
export function unsupported(version: string): string | undefined {
  const parsed = parse(version);
  if (parsed !== undefined && atLeast(parsed, oldestSupported)) return undefined;
  return `etcd ${version || 'of an unknown version'} is too old: ${oldestSupported.join('.')} or newer is needed`;
}

/** Whether it answers a request for the progress of a watch truthfully. */
export function tellsProgress(version: string): boolean {
  const parsed = parse(version);
  if (parsed === undefined) return false;
  const fix = progressFixes.find((fixed) => fixed[0] === parsed[0] && fixed[1] === parsed[1]);
  return fix === undefined ? atLeast(parsed, [3, 6, 0]) : atLeast(parsed, fix);
}

/** Alarms as a status tells them, in text: `memberID:123 alarm:NOSPACE `. Ids of etcd's members may be rounded. */
export function alarmsOf({ errors }: Pick<StatusResponse, 'errors'>): AlarmStatus[] {
  return errors.flatMap((text) => {
    const match = /memberID:(\d+) +alarm:(NOSPACE|CORRUPT)/.exec(text);
    if (match === null) return [];
    const type = match[2] === 'NOSPACE' ? 'noSpace' : 'corrupt';
    return [{ type, memberId: Number(match[1]), member: '' } as const];
  });
}
