import { describe, expect, it } from 'vitest';
import type { ApiRequest } from '#libs/apiserver';
import { checkSameOrigin, parseFaultOrder, parseProbeOrder } from './orders.js';

const own = {
  'x-trireme-dashboard': '1',
  'content-type': 'application/json',
  host: '127.0.0.1:6444',
  origin: 'https://127.0.0.1:6444',
};
const request = (headers: Record<string, string | undefined>, body: unknown = {}): ApiRequest =>
  ({
    headers,
    body: { bytes: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) },
  }) as never;

describe('an order', () => {
  it('comes from the own page', () => {
    expect(() => checkSameOrigin(request(own))).not.toThrow();
    expect(() => checkSameOrigin(request({ ...own, origin: undefined }))).not.toThrow();
    expect(() =>
      checkSameOrigin(request({ ...own, host: undefined, ':authority': '127.0.0.1:6444' })),
    ).not.toThrow();
  });

  it.each([
    ['without the header that only a page of the same origin can send', { 'x-trireme-dashboard': undefined }],
    ['with the origin of another page', { origin: 'https://evil.example' }],
    ['with an opaque origin', { origin: 'null' }],
    ['that the browser calls cross-site', { 'sec-fetch-site': 'cross-site' }],
    ['that is a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['without a type', { 'content-type': undefined }],
  ])('%s is refused', (_, change) => {
    expect(() => checkSameOrigin(request({ ...own, ...change }))).toThrow(/own page|application\/json/);
  });

  it('names a known fault, and a master where it needs one', () => {
    const order = { id: 'a1', fault: 'kill', master: 'm1' };
    expect(parseFaultOrder(request(own, order))).toEqual(order);
    expect(parseFaultOrder(request(own, { id: 'a1', fault: 'heal' }))).toEqual({ id: 'a1', fault: 'heal' });
    expect(() => parseFaultOrder(request(own, { id: 'a1', fault: 'kill' }))).toThrow(/needs a master/);
    expect(() => parseFaultOrder(request(own, { ...order, fault: 'rm' }))).toThrow(/fault/);
    expect(() => parseFaultOrder(request(own, { ...order, more: 1 }))).toThrow(/more/);
    expect(() => parseFaultOrder(request(own, '{'))).toThrow(/not JSON/);
    expect(() => parseFaultOrder(request(own, ' '.repeat(5_000)))).toThrow(/longer/);
  });

  it('to write a number says which writer', () => {
    expect(parseProbeOrder(request(own, { writer: 'a1', number: 3 }))).toEqual({ writer: 'a1', number: 3 });
    expect(() => parseProbeOrder(request(own, { writer: 'a 1', number: 3 }))).toThrow(/writer/);
    expect(() => parseProbeOrder(request(own, { writer: 'a1', number: -1 }))).toThrow(/number/);
  });
});
