import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { failure, type Finding, ok, warning } from './finding.js';

const dayMs = 86_400_000;
const soonDays = 30;
/** Clocks that differ by less are taken for equal. */
const toleranceMs = 60_000;

interface Dated {
  readonly name: string;
  readonly from: number;
  readonly until: number;
}

/** When the certificates of a cluster end, authorities included, and whether this clock can be right about them. */
export function checkCertificates(pkiDir: string, nowMs = Date.now()): Finding {
  const found = readdirSync(pkiDir)
    .filter((file) => file.endsWith('.crt'))
    .flatMap((file) => dated(join(pkiDir, file), file))
    .sort((a, b) => a.until - b.until);
  const [first] = found;
  if (first === undefined)
    return failure('certificates', `${pkiDir} holds none`, 'restore the folder from a backup');
  const early = found.find(({ from }) => from > nowMs + toleranceMs);
  if (early !== undefined) {
    return failure(
      'certificates',
      `${early.name} is valid from ${day(early.from)} on: this machine's clock is behind`,
      'set the clock, and have it kept by NTP',
    );
  }
  const advice =
    'the next start renews them (`trireme down`, `trireme up`); authorities: docs/runbooks/rotate-an-authority.md';
  const over = found.filter(({ until }) => until <= nowMs);
  if (over.length > 0)
    return failure('certificates', `expired: ${over.map(({ name }) => name).join(', ')}`, advice);
  const text = `${found.length}, the first to end is ${first.name} on ${day(first.until)}`;
  return first.until > nowMs + soonDays * dayMs
    ? ok('certificates', text)
    : warning('certificates', text, advice);
}

/** A file may hold several, behind each other. */
function dated(path: string, name: string): Dated[] {
  const pems = readFileSync(path, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  return (pems ?? []).map((pem) => {
    const { validFrom, validTo } = new X509Certificate(pem);
    return { name, from: Date.parse(validFrom), until: Date.parse(validTo) };
  });
}

const day = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 10);
