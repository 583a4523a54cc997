import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { FakeClock } from '../testing/test-server.js';
import { bodyBytesMax, readBody } from './read-body.js';

const limitMs = 60_000;

it('joins what arrives in pieces', async () => {
  const stream = new PassThrough();
  const body = readBody(stream, undefined, new FakeClock(), limitMs);
  stream.write('a');
  stream.end('b');
  expect((await body).toString()).toBe('ab');
});

it('refuses a body as soon as it is known to be too large', async () => {
  const stream = new PassThrough();
  const clock = new FakeClock();
  await expect(readBody(stream, String(bodyBytesMax + 1), clock, limitMs)).rejects.toMatchObject({
    code: 413,
  });
  const undeclared = readBody(stream, undefined, clock, limitMs);
  stream.write(Buffer.alloc(bodyBytesMax));
  stream.write('x');
  await expect(undeclared).rejects.toMatchObject({ code: 413 });
  expect(clock.pending).toBe(0);
});

it('does not wait for ever', async () => {
  const clock = new FakeClock();
  const body = readBody(new PassThrough(), undefined, clock, limitMs);
  clock.advance(limitMs);
  await expect(body).rejects.toMatchObject({ code: 504, reason: 'Timeout' });
});

it('says when the client breaks off', async () => {
  const stream = new PassThrough();
  const body = readBody(stream, undefined, new FakeClock(), limitMs);
  stream.write('{');
  stream.destroy();
  await expect(body).rejects.toMatchObject({ code: 400 });
});
