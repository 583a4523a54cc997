import { afterEach, describe, expect, it, vi } from 'vitest';
import { createLogger } from './logger.js';
import type { Logger } from './logger.js';

afterEach(() => vi.unstubAllEnvs());

function recorded(use: (logger: Logger) => void): string[] {
  const lines: string[] = [];
  use(createLogger('apiserver', { write: (line) => lines.push(line) }));
  return lines;
}

const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJl';

describe('a log line', () => {
  it('is one JSON object with level, time, component and message', () => {
    const [line] = recorded((logger) => logger.info({ port: 6443 }, 'serving'));
    expect(JSON.parse(line!)).toEqual({
      level: 'info',
      time: expect.any(Number) as number,
      component: 'apiserver',
      port: 6443,
      message: 'serving',
    });
    expect(line!.endsWith('\n')).toBe(true);
  });

  it('never carries a secret: neither in a field nor in a text', () => {
    const secrets = ['s3cr3t-value', 'c2VydmljZWFjY291bnQ', jwt];
    const lines = recorded((logger) => {
      logger.info({ token: secrets[0], user: { password: secrets[0] } }, 'fields');
      logger.info(
        { request: { headers: { authorization: `Bearer ${secrets[1]}`, cookie: secrets[0] } } },
        'headers',
      );
      logger.info({ user: { 'client-key-data': secrets[0] } }, 'kubeconfig');
      logger.error(new Error(`refused: Authorization: Bearer ${secrets[1]}`), 'error');
      logger.warn(`token ${jwt} is not valid`);
      logger.warn(
        { pem: `-----BEGIN EC PRIVATE KEY-----\n${secrets[0]}\n-----END EC PRIVATE KEY-----\n` },
        'key',
      );
      logger.child({ token: secrets[0] }).warn('child');
    });
    expect(lines).toHaveLength(7);
    for (const line of lines) {
      for (const secret of secrets) expect(line).not.toContain(secret);
      expect(line).toContain('[redacted]');
      expect(() => JSON.parse(line) as unknown).not.toThrow();
    }
  });

  it('is written from the level on that TRIREME_LOG_LEVEL names', () => {
    vi.stubEnv('TRIREME_LOG_LEVEL', 'warn');
    const lines = recorded((logger) => {
      logger.info('no');
      logger.warn('yes');
    });
    expect(lines.map((line) => (JSON.parse(line) as { message: string }).message)).toEqual(['yes']);
  });

  it('a level that does not exist is refused with those that do', () => {
    vi.stubEnv('TRIREME_LOG_LEVEL', 'loud');
    expect(() => createLogger('x')).toThrow(
      'TRIREME_LOG_LEVEL is "loud": it must be one of trace, debug, info',
    );
  });
});
