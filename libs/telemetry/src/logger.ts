import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';

export type { Logger } from 'pino';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

const censor = '[redacted]';

/** Fields whose value is a secret wherever they stand, up to three levels deep. */
const secretFields = [
  'token',
  'accessToken',
  'bearerToken',
  'idToken',
  'password',
  'passphrase',
  'secret',
  'privateKey',
  'clientKey',
  'clientKeyData',
  'authorization',
  'Authorization',
  'cookie',
  '["proxy-authorization"]',
  '["client-key-data"]',
  '["set-cookie"]',
];
const redactedPaths = secretFields.flatMap((field) => {
  const under = field.startsWith('[') ? field : `.${field}`;
  return [field, `*${under}`, `*.*${under}`];
});

/** Secrets inside of texts: an error's message that quotes a header, a dumped kubeconfig. */
const secretTexts: readonly [RegExp, string][] = [
  [/\b(Bearer|Basic)(\s+)[\w.~+/=-]{8,}/gi, `$1$2${censor}`],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, censor],
  [/-----BEGIN ([A-Z ]*)PRIVATE KEY-----.*?-----END \1PRIVATE KEY-----/gs, censor],
];

/**
 * A logger of one component: a JSON object a line on stdout (or `destination`), with level, time in milliseconds, component
 * and message. The level is that of the environment variable TRIREME_LOG_LEVEL, default `info`.
 * `context` gives each line what the moment knows: the ids of the request that is being worked on.
 * Values of secret fields, bearer tokens, JSON Web Tokens and private keys never reach the output.
 * Throws RangeError for a level that does not exist.
 */
export function createLogger(
  component: string,
  destination?: DestinationStream,
  context?: () => object | undefined,
): Logger {
  return pino(
    {
      level: levelFrom(process.env['TRIREME_LOG_LEVEL']),
      base: { component },
      ...(context === undefined ? {} : { mixin: () => context() ?? {} }),
      messageKey: 'message',
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: redactedPaths, censor },
      hooks: { streamWrite: withoutSecrets },
    },
    destination ?? pino.destination({ dest: 1, sync: true }),
  );
}

function levelFrom(text: string | undefined): LogLevel {
  if (text === undefined || text === '') return 'info';
  const level = logLevels.find((known) => known === text.toLowerCase());
  if (level === undefined) {
    throw new RangeError(`TRIREME_LOG_LEVEL is "${text}": it must be one of ${logLevels.join(', ')}`);
  }
  return level;
}

/** The text without what looks like a credential. */
export function withoutSecrets(text: string): string {
  let clean = text;
  for (const [pattern, replacement] of secretTexts) clean = clean.replace(pattern, replacement);
  return clean;
}
