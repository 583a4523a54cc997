import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { type LoadArguments, loadArguments, loadCommand, loopback, parseThreshold } from './arguments.js';

function parse(...argv: readonly string[]): LoadArguments {
  const command = loadCommand();
  command
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .parse(argv, { from: 'user' });
  return loadArguments(command);
}
const tls = ['--ca', 'ca', '--cert', 'cert', '--key', 'key'];

describe('trireme load', () => {
  it('is a closed loop of 64 clients for ten seconds when nothing else is said', () => {
    expect(parse('read')).toMatchObject({
      scenario: 'read',
      engine: 'autocannon',
      clients: 64,
      rate: null,
      processes: 1,
      seconds: 10,
      items: 1_000,
      thresholds: [{ step: null, of: 'errors', operator: '<=', limit: 0 }],
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
      'list.p99.9<=80.5',
    ];
    expect(parse('list', ...flags, '--server', 'https://127.0.0.1:6443/', ...tls)).toMatchObject({
      rate: { from: 500, to: 500 },
      seconds: 90,
      thresholds: [
        { step: null, of: 'p99', operator: '<', limit: 50 },
        { step: 'list', of: 'p99.9', operator: '<=', limit: 80.5 },
      ],
      target: { server: 'https://127.0.0.1:6443', ca: 'ca', cert: 'cert', key: 'key' },
    });
  });

  it('takes a ramp, and several processes, of which none is without a client', () => {
    expect(parse('read', '--ramp', '10:2000', '--processes', '8', '--clients', '3')).toMatchObject({
      rate: { from: 10, to: 2_000 },
      processes: 3,
    });
  });

  it('renews the Leases of N nodes every ten seconds unless another rate is given', () => {
    expect(parse('heartbeats', '--items', '5000').rate).toEqual({ from: 500, to: 500 });
    expect(parse('heartbeats', '--rate', '7').rate).toEqual({ from: 7, to: 7 });
  });

  it.each([
    [['nonsense'], 'create, read, list, watch'],
    [['read', '--engine', 'wrk'], 'autocannon, k6'],
    [['read', '--clients', '0'], 'from 1 to 1000'],
    [['read', '--clients', '100000'], 'from 1 to 1000'],
    [['read', '--rate', '-1'], 'from 1 to 50000'],
    [['read', '--ramp', '100'], '100:2000'],
    [['read', '--ramp', '0:0'], '100:2000'],
    [['read', '--duration', 'long'], '60s'],
    [['read', '--threshold', 'p42<1'], 'p99<50'],
    [['read', '--items', '1000000'], 'from 1 to 50000'],
    [['read', '--processes', '33'], 'from 1 to 32'],
  ])('refuses %j and says what is wanted', (argv, words) => {
    expect(() => parse(...argv)).toThrow(CommanderError);
    expect(() => parse(...argv)).toThrow(words);
  });

  it.each([
    [['read', '--duration', '11m'], '1s to 10m|out of bounds'],
    [['read', '--duration', '10ms'], 'out of bounds'],
    [['create', '--items', '5'], 'means nothing to create'],
    [['scale-pods', '--items', '5000'], '1000 pods of a Deployment at most'],
    [['read', '--rate', '5', '--ramp', '5:6'], 'exclude each other'],
    [['read', '--engine', 'k6', '--processes', '2'], 'for autocannon'],
    [['read', '--threshold', 'create.p99<5'], 'no step "create"'],
    [['read', '--json', '/nonexistent/a.json'], 'cannot be written'],
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
    const wanted = { step: null, of: 'errors', operator: '<=', limit: 0.01 };
    expect(parseThreshold('errors <= 0.01')).toEqual(wanted);
  });
});
