import { describe, expect, it } from 'vitest';
import { parseEtcdUrl } from './etcd-url.js';

describe('the URL of an external etcd', () => {
  it.each([
    ['etcd://10.0.0.1:2379', ['10.0.0.1:2379'], false, '/trireme/'],
    ['etcds://a.example,b.example:4001/', ['a.example:2379', 'b.example:4001'], true, '/trireme/'],
    ['etcd://[::1]:2379,[fe80::1]/clusters/blue', ['[::1]:2379', '[fe80::1]:2379'], false, '/clusters/blue/'],
    ['etcd://localhost/x/', ['localhost:2379'], false, '/x/'],
  ])('%s', (url, endpoints, secure, prefix) => {
    expect(parseEtcdUrl(url)).toEqual({ endpoints, secure, prefix });
  });

  it.each([
    ['10.0.0.1:2379', /no etcd URL/],
    ['http://10.0.0.1:2379', /no etcd URL/],
    ['etcd://', /'' in .* is no host:port/],
    ['etcd://a,,b', /'' in .* is no host:port/],
    ['etcd://a:99999', /'a:99999' in .* is no host:port/],
    ['etcd://root:secret@a', /holds no user or password/],
  ])('%s is refused', (url, message) => {
    expect(() => parseEtcdUrl(url)).toThrow(message);
  });
});
