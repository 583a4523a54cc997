import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { loopback, parseArguments, parseThreshold } from './arguments.js';

const parse = (...argv: readonly string[]): ReturnType<typeof parseArguments> =>
  parseArguments(argv, (command) => command.exitOverride().configureOutput({ writeErr: () => {} }));
const tls = ['--ca', 'ca', '--cert', 'cert', '--key', 'key'];

describe('npm run load', () => {
  it('is a closed loop of 64 clients for ten seconds when nothing else is said', () => {
    expect(parse('read')).toMatchObject({
      scenario: 'read',
      engine: 'autocannon',
      clients: 64,
      rate: null,
      seconds: 10,
      pods: 1_000,
      thresholds: [{ of: 'errors', operator: '<=', limit: 0 }],
    });
  });

  it('takes a rate, thresholds and a server with its certificates', () => {
    const flags = [
      '--rate',
      '500',
      '--duration',
      '90s',
      '--threshold',
      'p99<50',
      '--threshold',
      'p99.9<=80.5',
    ];
    expect(parse('list', ...flags, '--server', 'https://127.0.0.1:6443/', ...tls)).toMatchObject({
      rate: 500,
      seconds: 90,
      thresholds: [
        { of: 'p99', operator: '<', limit: 50 },
        { of: 'p99.9', operator: '<=', limit: 80.5 },
      ],
      target: { server: 'https://127.0.0.1:6443', ca: 'ca', cert: 'cert', key: 'key' },
    });
  });

  it.each([
    [['mixed'], 'create, read, list, watch'],
    [['read', '--engine', 'wrk'], 'autocannon, k6'],
    [['read', '--clients', '0'], 'from 1 to 1000'],
    [['read', '--clients', '100000'], 'from 1 to 1000'],
    [['read', '--rate', '-1'], 'from 1 to 50000'],
    [['read', '--duration', 'long'], '60s'],
    [['read', '--threshold', 'p42<1'], 'p99<50'],
    [['read', '--pods', '1000000'], 'from 1 to 50000'],
  ])('refuses %j and says what is wanted', (argv, words) => {
    expect(() => parse(...argv)).toThrow(CommanderError);
    expect(() => parse(...argv)).toThrow(words);
  });

  it.each([
    [['read', '--duration', '11m'], '1s to 10m|out of bounds'],
    [['read', '--duration', '10ms'], 'out of bounds'],
    [['create', '--pods', '5'], 'means nothing to create'],
    [['read', '--server', 'https://127.0.0.1:1'], 'needs --ca, --cert and --key'],
    [['read', ...tls], 'belong to --server'],
    [['read', '--name', 'a', '--server', 'https://127.0.0.1:1', ...tls], 'exclude each other'],
  ])('refuses %j', (argv, words) => {
    expect(() => parse(...argv)).toThrow(new RegExp(words));
  });

  it.each(['https://127.0.0.1:6443', 'https://127.8.9.1', 'https://localhost:1', 'https://[::1]:1'])(
    'loads %s',
    (server) => expect(loopback(server)).toBe(server),
  );

  it.each([
    'https://10.0.0.1:6443',
    'https://127.0.0.1.example.org',
    'https://localhost.example.org',
    'https://127.0.0.1@10.0.0.1',
    'https://0.0.0.0:6443',
  ])('never loads %s', (server) => expect(() => loopback(server)).toThrow('loopback only'));

  it('never sends a certificate without TLS', () => {
    expect(() => loopback('http://127.0.0.1:8080')).toThrow('not https');
    expect(() => loopback('127.0.0.1')).toThrow('not a URL');
  });

  it('reads thresholds with blanks', () => {
    expect(parseThreshold('errors <= 0.01')).toEqual({ of: 'errors', operator: '<=', limit: 0.01 });
  });
});
