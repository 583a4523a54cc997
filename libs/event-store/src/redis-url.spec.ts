import { expect, it } from 'vitest';
import { parseRedisUrl } from './redis-url.js';

it('reads host, port, database, user and password, and shows no credentials', () => {
  expect(parseRedisUrl('redis://10.0.0.1')).toEqual({
    secure: false,
    host: '10.0.0.1',
    port: 6379,
    database: 0,
    user: undefined,
    password: undefined,
    shown: 'redis://10.0.0.1:6379',
  });
  expect(parseRedisUrl('rediss://events:p%40ss%2F@[fd00::1]:6380/3')).toMatchObject({
    secure: true,
    host: 'fd00::1',
    port: 6380,
    database: 3,
    user: 'events',
    password: 'p@ss/',
    shown: 'rediss://[fd00::1]:6380/3',
  });
  expect(parseRedisUrl('redis://:secret@redis.local/')).toMatchObject({
    user: undefined,
    password: 'secret',
  });
});

it.each([
  ['http://10.0.0.1', /begins with redis:\/\//],
  ['10.0.0.1:6379', /begins with redis:\/\//],
  ['redis://', /no host|no Redis URL/],
  ['redis://:hunter2@host:99999', /not well formed/],
  ['redis://:hunter2@host:0', /port/],
  ['redis://:hunter2@host/events', /database/],
  ['redis://:hunter2@host/1?tls=true', /no parameters/],
  ['redis://:hunter2%zz@host', /percent-encoded/],
])('says what is wrong with %s, without its password', (url, problem) => {
  expect(() => parseRedisUrl(url)).toThrow(problem);
  expect(() => parseRedisUrl(url)).not.toThrow(/hunter2/);
});
